/** A web server that answers every request with the same bytes: where archives are fetched from. */
import { createServer } from 'node:http';
import { after } from 'node:test';

/** Its address, with a slash at the end; gone at the end of the file. */
export async function aHostOf(bytes: Buffer): Promise<string> {
  const host = createServer((_, answer) => answer.end(bytes));
  await new Promise<void>((resolve) => host.listen(0, '127.0.0.1', resolve));
  after(() => {
    host.closeAllConnections();
    host.close();
  });
  const { port } = host.address() as { port: number };
  return `http://127.0.0.1:${port}/`;
}
