/** A client of a live stream, as a console is one: reads frames, knows where it is, and comes back there. */
import { once } from 'node:events';
import http from 'node:http';
import type { Found } from '../cloudify-v3/client.js';

export interface Frame {
  readonly id: string | null;
  readonly event: string;
  readonly data: Found;
}

export interface FollowedStream {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  /** Of a refusal. */
  readonly body: string;
  readonly frames: readonly Frame[];
  /** The last `id`, that of a heartbeat too. */
  readonly lastId: string | null;
  readonly comments: number;
  readonly ended: boolean;
  /** All rows of a section of the news so far. */
  told(section: string): Found[];
  /** Waits until it holds of what was told. */
  until(what: string, holds: () => boolean, ms?: number): Promise<void>;
  /** Stops reading, and goes on. */
  pause(): void;
  resume(): void;
  leave(): void;
}

export interface Following {
  readonly token: string;
  readonly tenant?: string;
  readonly lastEventId?: string | null;
  /** Sent as a POST. */
  readonly body?: object;
}

export async function aFollower(
  url: string,
  path: string,
  { token, tenant = 'default_tenant', lastEventId = null, body }: Following,
): Promise<FollowedStream> {
  const request = http.request(`${url}/orrery/v1/stream${path}`, {
    method: body === undefined ? 'GET' : 'POST',
    agent: false,
    headers: {
      authorization: `Bearer ${token}`,
      tenant,
      ...(lastEventId === null ? {} : { 'last-event-id': lastEventId }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
  });
  request.on('error', () => {});
  request.end(body === undefined ? undefined : JSON.stringify(body));
  const [response] = (await once(request, 'response')) as [http.IncomingMessage];
  const frames: Frame[] = [];
  const waiting = new Set<() => void>();
  let [rest, lastId, comments, ended] = ['', null as string | null, 0, false];
  const wake = () => {
    for (const one of waiting) one();
  };
  response.setEncoding('utf8');
  response.on('error', () => {});
  response.on('close', () => {
    ended = true;
    wake();
  });
  response.on('data', (chunk: string) => {
    rest += chunk;
    if (response.statusCode !== 200) return;
    const blocks = rest.split('\n\n');
    rest = blocks.pop()!;
    for (const block of blocks) {
      const field = (name: string) =>
        block
          .split('\n')
          .find((line) => line.startsWith(`${name}: `))
          ?.slice(name.length + 2) ?? null;
      const id = field('id');
      if (id !== null) lastId = id;
      const data = field('data');
      if (data === null) comments += 1;
      else frames.push({ id, event: field('event') ?? 'message', data: JSON.parse(data) as Found });
    }
    wake();
  });
  if (response.statusCode !== 200) await once(response, 'close');
  const stream: FollowedStream = {
    status: response.statusCode!,
    headers: response.headers,
    get body() {
      return rest;
    },
    frames,
    get lastId() {
      return lastId;
    },
    get comments() {
      return comments;
    },
    get ended() {
      return ended;
    },
    told: (section) =>
      frames.flatMap(({ event, data }) =>
        event === 'news' ? ((data[section] ?? []) as unknown as Found[]) : [],
      ),
    async until(what, holds, ms = 60_000) {
      const deadline = performance.now() + ms;
      while (!holds()) {
        if (performance.now() > deadline) {
          const seen = frames.slice(-5).map((frame) => JSON.stringify(frame).slice(0, 400));
          throw new Error(`waited for ${what}; the last of ${frames.length} frames: ${seen.join('\n')}`);
        }
        await new Promise<void>((resolve) => {
          const timer = setTimeout(done, 100);
          function done() {
            clearTimeout(timer);
            waiting.delete(done);
            resolve();
          }
          waiting.add(done);
        });
      }
    },
    pause: () => response.pause(),
    resume: () => response.resume(),
    leave: () => request.destroy(),
  };
  return stream;
}
