/** Clients of a live stream in a process of their own: told how many by the process that forked it, they count what arrives. */
import net from 'node:net';

export interface StreamOrder {
  readonly host: string;
  readonly port: number;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly clients: number;
  /** Of so many clients one looks at the time of every event; all count bytes and events. */
  readonly every: number;
}

export interface StreamCount {
  readonly bytes: number;
  /** Of those that look at times. */
  readonly events: number;
  readonly looking: number;
  readonly connected: number;
  readonly ended: number;
  /** Milliseconds from before an event was handed to the database until it was here. */
  readonly delays: readonly number[];
  readonly processorMs: number;
}

const MARK = 'at=';
let [bytes, connected, ended, looking] = [0, 0, 0, 0];
let delays: number[] = [];
let events = 0;
let before = process.cpuUsage();

function now(): number {
  return performance.timeOrigin + performance.now();
}

function follow({ host, port, path, headers }: StreamOrder, looks: boolean): void {
  const socket = net.connect(port, host);
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  socket.write(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\n${lines.join('')}\r\n`);
  let rest = '';
  let isFirst = true;
  if (looks) looking += 1;
  socket.on('data', (chunk: Buffer) => {
    bytes += chunk.length;
    if (isFirst) {
      isFirst = false;
      if (!chunk.subarray(0, 15).toString().includes(' 200')) {
        process.stderr.write(chunk.toString());
        ended += 1;
        return;
      }
      connected += 1;
    }
    if (!looks) return;
    const seen = now();
    const text = rest + chunk.toString('latin1');
    let from = 0;
    for (;;) {
      const at = text.indexOf(MARK, from);
      const end = at < 0 ? -1 : text.indexOf('"', at);
      if (end < 0) {
        rest = at < 0 ? text.slice(-MARK.length) : text.slice(at);
        break;
      }
      delays.push(seen - Number(text.slice(at + MARK.length, end)));
      events += 1;
      from = end;
    }
  });
  socket.on('close', () => {
    ended += 1;
  });
  socket.on('error', () => {});
}

process.on('message', (message: StreamOrder | 'begin' | 'count') => {
  if (message === 'begin') {
    [bytes, events, delays] = [0, 0, []];
    before = process.cpuUsage();
  } else if (message === 'count') {
    const used = process.cpuUsage(before);
    const processorMs = (used.user + used.system) / 1000;
    process.send!({ bytes, events, looking, connected, ended, delays, processorMs } satisfies StreamCount);
    delays = [];
  } else for (let one = 0; one < message.clients; one += 1) follow(message, one % message.every === 0);
});
