/** Speaks to the server as this vendor's clients do: bodies on any method, called anything, answers as bytes. */
import { type OutgoingHttpHeaders, request } from 'node:http';
import { gunzipSync } from 'node:zlib';

export interface Asked {
  /** Sent as JSON; a Buffer as it is. */
  readonly body?: unknown;
  readonly headers?: OutgoingHttpHeaders;
  /** `Api-Key` */
  readonly key?: string;
  /** `X-Auth-Token` */
  readonly session?: string;
}

export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  /** As they came. */
  readonly bytes: Buffer;
  readonly text: string;
  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of any shape
  readonly json: any;
}

export type Ask = (method: string, path: string, asked?: Asked) => Promise<Answer>;

export function clientOf(url: string): Ask {
  const { hostname, port } = new URL(url);
  return (method, path, { body, headers = {}, key, session } = {}) =>
    new Promise((resolve, reject) => {
      const bytes =
        body === undefined ? null : body instanceof Buffer ? body : Buffer.from(JSON.stringify(body));
      const sent = {
        ...(bytes === null || 'transfer-encoding' in headers ? {} : { 'content-length': bytes.length }),
        ...(key === undefined ? {} : { 'api-key': key }),
        ...(session === undefined ? {} : { 'x-auth-token': session }),
        ...headers,
      };
      const asking = request({ hostname, port, method, path, headers: sent }, (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => chunks.push(chunk));
        answer.once('error', reject);
        answer.once('end', () => {
          const all = Buffer.concat(chunks);
          const plain = answer.headers['content-encoding'] === 'gzip' ? gunzipSync(all) : all;
          const text = plain.toString();
          let json: unknown = null;
          try {
            json = JSON.parse(text);
          } catch {}
          resolve({ status: answer.statusCode!, headers: answer.headers, bytes: all, text, json });
        });
      });
      asking.once('error', reject);
      asking.end(bytes ?? undefined);
    });
}
