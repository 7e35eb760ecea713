/**
 * A child process that asks one URL from so many clients at once, each its own connection, and tells how long answers took.
 *
 * It reads no more of an answer than its status and length, since it shares the processors with what it measures: with
 * Node's own client a third of the machine went into receiving.
 */
import { connect } from 'node:net';

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
  /** Seconds of processor time that asking took. */
  readonly processor: number;
}

process.on('message', (order: LoadOrder) => {
  void run(order).then((result) => process.send!(result, () => process.exit(0)));
});

async function run(order: LoadOrder): Promise<LoadResult> {
  const from = performance.now();
  const totals = { times: [] as number[], bytes: 0, failures: 0 };
  await Promise.all(
    Array.from({ length: order.clients }, () => client(order, from + order.seconds * 1000, totals)),
  );
  const { times, bytes, failures } = totals;
  times.sort((a, b) => a - b);
  const at = (share: number) =>
    times[Math.min(times.length - 1, Math.floor(times.length * share))] ?? Number.NaN;
  const seconds = (performance.now() - from) / 1000;
  const { user, system } = process.cpuUsage();
  const processor = (user + system) / 1e6;
  return { requests: times.length, bytes, seconds, p50: at(0.5), p99: at(0.99), failures, processor };
}

/** One connection that asks again as soon as it is answered, until `until`. */
function client(
  order: LoadOrder,
  until: number,
  totals: { times: number[]; bytes: number; failures: number },
): Promise<void> {
  const { hostname, port, pathname, search, host } = new URL(order.url);
  const lines = Object.entries({ host, ...order.headers }).map(([name, value]) => `${name}: ${value}\r\n`);
  const request = Buffer.from(`GET ${pathname}${search} HTTP/1.1\r\n${lines.join('')}\r\n`);
  return new Promise((resolve, reject) => {
    const socket = connect(Number(port), hostname);
    let asked = 0;
    let missing = 0;
    let head = '';
    const ask = () => {
      if (performance.now() >= until) {
        socket.end();
        resolve();
        return;
      }
      asked = performance.now();
      head = '';
      missing = -1;
      socket.write(request);
    };
    socket.on('connect', ask);
    socket.on('error', reject);
    socket.on('data', (data) => {
      if (missing >= 0) missing -= data.length;
      else {
        head += data.toString('latin1');
        const end = head.indexOf('\r\n\r\n');
        if (end < 0) return;
        const length = Number(/\ncontent-length: (\d+)/i.exec(head)?.[1]);
        if (!head.startsWith('HTTP/1.1 200')) totals.failures += 1;
        totals.bytes += length;
        missing = length - (head.length - end - 4);
      }
      if (missing > 0) return;
      totals.times.push(performance.now() - asked);
      ask();
    });
  });
}
