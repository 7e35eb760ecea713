/**
 * Requests as the program curl sends them: only the headers that were asked for, no length for a body that is not there,
 * and a body called a form unless it is called something else.
 */
import { request } from 'node:http';
import { ADMIN } from '../../../support/a-server.js';
import type { Found } from '../client.js';

export interface CurlOptions {
  /** `-u`; null: without. Default: the administrator. */
  readonly user?: string | null;
  /** `--header "Tenant: …"`; null: without. */
  readonly tenant?: string | null;
  /** Further `--header`. */
  readonly headers?: Readonly<Record<string, string>>;
  /** `-H "Content-Type: application/json"`, with `-d` and this as a text when there is something. */
  readonly json?: object | null;
  /** `-d` alone. */
  readonly data?: string;
  /** `-H "Content-Type: application/octet-stream" --data-binary @FILE` */
  readonly file?: Buffer;
}

export interface Exchange {
  readonly method: string;
  /** Path and query under `/api/v3`. */
  readonly target: string;
  readonly sent: Buffer;
  readonly status: number;
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly bytes: Buffer;
  readonly text: string;
  readonly json: Found;
}

export type Curl = (line: string, options?: CurlOptions) => Promise<Exchange>;

const ADMIN_LOGIN = `${ADMIN.username}:${ADMIN.password}`;

/** @param server the address of a server; lines are `METHOD /path?query`, the path under `/api/v3` */
export function curlTo(server: string): Curl {
  return async (line, options = {}) => {
    const [method, target] = line.split(' ') as [string, string];
    const { user = ADMIN_LOGIN, tenant = 'default_tenant', json, data, file } = options;
    const body = file ?? Buffer.from(data ?? (json ? JSON.stringify(json) : ''));
    const headers: Record<string, string> = {
      ...(user === null ? {} : { Authorization: `Basic ${Buffer.from(user).toString('base64')}` }),
      'User-Agent': 'curl/8.5.0',
      Accept: '*/*',
      ...(tenant === null ? {} : { Tenant: tenant }),
      ...(json === undefined ? {} : { 'Content-Type': 'application/json' }),
      ...(data === undefined ? {} : { 'Content-Type': 'application/x-www-form-urlencoded' }),
      ...(file === undefined ? {} : { 'Content-Type': 'application/octet-stream' }),
      ...(body.length === 0 ? {} : { 'Content-Length': String(body.length) }),
      ...options.headers,
    };
    return send(server, method, target, headers, body);
  };
}

function send(
  server: string,
  method: string,
  target: string,
  headers: Record<string, string>,
  sent: Buffer,
): Promise<Exchange> {
  return new Promise((resolve, reject) => {
    const asking = request(`${server}/api/v3${target}`, { method, headers }, async (answer) => {
      const chunks: Buffer[] = [];
      try {
        for await (const chunk of answer) chunks.push(chunk as Buffer);
      } catch (error) {
        return reject(error);
      }
      const bytes = Buffer.concat(chunks);
      const text = bytes.toString('utf8');
      resolve({
        method,
        target,
        sent,
        status: answer.statusCode ?? 0,
        headers: answer.headers,
        bytes,
        text,
        get json() {
          return JSON.parse(text) as Found;
        },
      });
    });
    // Otherwise node tells a length of 0 where curl tells none.
    asking.useChunkedEncodingByDefault = false;
    asking.once('error', reject);
    asking.end(sent.length === 0 ? undefined : sent);
  });
}
