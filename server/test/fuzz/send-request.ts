/** Sends what no decent client would, and tells what came of it. */
import { type Agent, request } from 'node:http';
import { connect } from 'node:net';
import type { FuzzRequest } from './route-requests.js';

export interface Outcome {
  /** Null: the connection ended without an answer. */
  readonly status: number | null;
  /** The first part of the answer. */
  readonly text: string;
  readonly milliseconds: number;
}

/** Answers are read to their end, and this much of them looked at. */
const LOOKED_AT = 200_000;

/** @param limit milliseconds after which nobody waits any longer */
export async function send(url: string, asked: FuzzRequest, agent: Agent, limit: number): Promise<Outcome> {
  const began = performance.now();
  const answer = asked.cut
    ? await sendCut(url, asked, limit)
    : ((await sendWhole(url, asked, agent, limit)) ?? (await sendWhole(url, asked, false, limit)));
  const { status, text } = answer ?? { status: null, text: '' };
  return { status, text, milliseconds: performance.now() - began };
}

type Answer = Pick<Outcome, 'status' | 'text'>;

/**
 * Null: the connection, which others had used before, was closed just as this request went out, which any server may do.
 * It is sent again on a connection of its own, as every client does.
 */
function sendWhole(
  url: string,
  asked: FuzzRequest,
  agent: Agent | false,
  limit: number,
): Promise<Answer | null> {
  return new Promise((resolve) => {
    const { hostname, port } = new URL(url);
    const { method, target: path, headers, body } = asked;
    const length = body === null ? {} : { 'content-length': String(body.length) };
    const asking = request(
      {
        hostname,
        port,
        method,
        path: path.replace(/[^!-~]/g, ''),
        headers: { ...headers, ...length },
        agent,
      },
      (answer) => {
        const chunks: Buffer[] = [];
        let size = 0;
        answer.on('data', (chunk: Buffer) => {
          if (size < LOOKED_AT) chunks.push(chunk);
          size += chunk.length;
        });
        const done = () =>
          resolve({ status: answer.statusCode ?? null, text: Buffer.concat(chunks).toString('latin1') });
        answer.once('end', done);
        answer.once('error', done);
      },
    );
    asking.setTimeout(limit, () => asking.destroy());
    asking.once('error', ({ code }: NodeJS.ErrnoException) =>
      resolve(agent !== false && code === 'ECONNRESET' ? null : { status: null, text: `${code}` }),
    );
    asking.end(body ?? undefined);
  });
}

/** The head promises more than is sent. A server may answer or let go; it must not break. */
function sendCut(url: string, asked: FuzzRequest, limit: number): Promise<Answer> {
  return new Promise((resolve) => {
    const { hostname, port } = new URL(url);
    const { method, target, body } = asked;
    const socket = connect(Number(port), hostname);
    const lines = Object.entries({ host: 'x', ...asked.headers, 'content-length': String(body!.length) });
    const head = lines.map(([name, value]) => `${name}: ${value.replace(/[^ -~]/g, '')}\r\n`).join('');
    let text = '';
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1');
    });
    socket.setTimeout(limit, () => socket.destroy());
    const done = () => {
      const status = /^HTTP\/1\.1 (\d{3})/.exec(text)?.[1];
      resolve({ status: status === undefined ? null : Number(status), text });
    };
    socket.once('close', done);
    socket.once('error', () => {});
    socket.write(`${method} ${target.replace(/[^!-~]/g, '')} HTTP/1.1\r\n${head}\r\n`, 'latin1');
    socket.end(body!.subarray(0, Math.floor(body!.length / 2)));
  });
}
