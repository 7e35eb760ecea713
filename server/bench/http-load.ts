/** A child process that asks one URL from so many clients at once, each its own connection, and tells how long answers took. */
import { Agent, get } from 'node:http';

export interface LoadOrder {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly clients: number;
  readonly seconds: number;
}

export interface LoadResult {
  readonly requests: number;
  readonly bytes: number;
  readonly seconds: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
  readonly failures: number;
}

process.on('message', (order: LoadOrder) => {
  void run(order).then((result) => process.send!(result, () => process.exit(0)));
});

async function run({ url, headers, clients, seconds }: LoadOrder): Promise<LoadResult> {
  const agent = new Agent({ keepAlive: true, maxSockets: clients });
  const times: number[] = [];
  let bytes = 0;
  let failures = 0;
  const from = performance.now();
  const until = from + seconds * 1000;
  const client = async () => {
    while (performance.now() < until) {
      const asked = performance.now();
      const size = await new Promise<number>((resolve, reject) => {
        get(url, { agent, headers }, (response) => {
          let length = 0;
          response.on('data', (data: Buffer) => {
            length += data.length;
          });
          response.on('end', () => {
            if (response.statusCode !== 200) failures += 1;
            resolve(length);
          });
        }).on('error', reject);
      });
      times.push(performance.now() - asked);
      bytes += size;
    }
  };
  await Promise.all(Array.from({ length: clients }, client));
  const taken = (performance.now() - from) / 1000;
  times.sort((a, b) => a - b);
  const at = (share: number) =>
    times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? Number.NaN;
  return { requests: times.length, bytes, seconds: taken, p50: at(0.5), p99: at(0.99), failures };
}
