/**
 * A host behind SSH: commands that come in run on this machine, in a home of their own. What speaks SSH is a library's server; the suite
 * `agents` of the interop tests does the same with Debian's sshd.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import ssh2 from 'ssh2';

export interface Host {
  readonly port: number;
  readonly user: string;
  readonly privateKey: string;
  /** `SHA256:…` */
  readonly hostKey: string;
  /** Where commands run, and find the user's files. */
  readonly home: string;
  close(): Promise<void>;
}

export async function aHost(): Promise<Host> {
  const { generateKeyPairSync, parseKey } = ssh2.utils;
  const own = generateKeyPairSync('ed25519');
  const client = generateKeyPairSync('ed25519');
  const home = mkdtempSync(join(tmpdir(), 'orrery-host-'));
  const known = parseKey(client.public);
  const hostKey = parseKey(own.public);
  if (known instanceof Error || hostKey instanceof Error) throw new Error('a key cannot be read');
  const server = new ssh2.Server({ hostKeys: [own.private] }, (connection) => {
    connection.on('error', () => {});
    connection.on('authentication', (asked) => {
      if (asked.method !== 'publickey' || asked.username !== 'ada') return asked.reject(['publickey']);
      if (!asked.key.data.equals(known.getPublicSSH())) return asked.reject();
      asked.accept();
    });
    connection.on('session', (accept) => {
      accept().on('exec', (take, _refuse, { command }) => {
        const channel = take();
        // Programs in the home's `bin` stand for the machine's own.
        const env = { PATH: `${home}/bin:${process.env.PATH ?? ''}`, HOME: home, LANG: 'C.UTF-8' };
        const child = spawn('sh', ['-c', command], { cwd: home, env });
        channel.pipe(child.stdin);
        child.stdin.on('error', () => {});
        child.stdout.pipe(channel, { end: false });
        child.stderr.pipe(channel.stderr, { end: false });
        child.on('close', (code) => {
          channel.exit(code ?? 1);
          channel.end();
        });
      });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const sum = createHash('sha256').update(hostKey.getPublicSSH()).digest('base64');
  return {
    port,
    user: 'ada',
    privateKey: client.private,
    hostKey: `SHA256:${sum.replace(/=+$/, '')}`,
    home,
    async close() {
      await new Promise<void>((resolve) => server.close(() => resolve()));
      rmSync(home, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    },
  };
}
