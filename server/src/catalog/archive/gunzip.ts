/** Gzip, as chunks. */
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import { DomainError } from '../../errors.js';
import { damaged } from './limits.js';

export async function* gunzip(compressed: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
  const source = Readable.from(compressed, { objectMode: false });
  const expanded = createGunzip({ chunkSize: 64 * 1024 });
  source.on('error', (error) => expanded.destroy(error));
  source.pipe(expanded);
  try {
    for await (const chunk of expanded) yield chunk as Buffer;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (!(error instanceof DomainError) && code?.startsWith('Z_'))
      throw damaged('the gzip data cannot be read', error);
    throw error;
  } finally {
    source.destroy();
    expanded.destroy();
  }
}
