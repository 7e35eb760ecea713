/** Files of the deployment or blueprint, brought to where a script can use them. */
import { createWriteStream } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { DomainError } from '../../errors.js';
import type { OperationRequest } from '../plugin.js';
import { CtxError } from './ctx-values.js';

/** Bytes of a resource as a file. */
export const FILE_LIMIT = 1024 * 1024 * 1024;
/** Bytes of a resource as a value or a template. */
const TEXT_LIMIT = 4 * 1024 * 1024;

export class CtxFiles {
  #count = 0;

  constructor(
    private readonly request: Pick<OperationRequest, 'resource' | 'signal'>,
    /** Where files without a wished place go; removed with the run. */
    private readonly folder: string,
    /** What a relative target is relative to: where the script runs. */
    private readonly cwd: string,
  ) {}

  /** Stores the resource at `target`, or at a place that lives as long as the run; returns where. */
  async download(path: string, target: string | null): Promise<string> {
    const place = await this.#place(path, target);
    await storeStream(await this.#open(path, FILE_LIMIT), place, this.request.signal);
    return place;
  }

  async text(path: string): Promise<string> {
    const chunks: Buffer[] = [];
    for await (const chunk of (await this.#open(path, TEXT_LIMIT)) as AsyncIterable<Buffer>)
      chunks.push(chunk);
    const text = Buffer.concat(chunks).toString('utf8');
    if (text.includes('\uFFFD')) {
      throw new CtxError('UnicodeDecodeError', `${path} is not UTF-8 text; use download-resource`);
    }
    return text;
  }

  async write(path: string, text: string, target: string | null): Promise<string> {
    const place = await this.#place(path, target);
    await writeFile(place, text);
    return place;
  }

  async #place(path: string, target: string | null): Promise<string> {
    if (target !== null) {
      const place = resolve(this.cwd, target);
      await mkdir(dirname(place), { recursive: true });
      return place;
    }
    this.#count += 1;
    const folder = join(this.folder, String(this.#count));
    await mkdir(folder, { recursive: true });
    return join(folder, basename(path) || 'resource');
  }

  async #open(path: string, limit: number): Promise<Readable> {
    try {
      const { size, stream } = await this.request.resource(path);
      if (size <= limit) return stream;
      stream.destroy();
      throw new CtxError('ValueError', `${path} has ${size} bytes, more than the ${limit} allowed here`);
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
      throw new CtxError(error.kind === 'not-found' ? 'HttpException' : 'RuntimeError', error.message);
    }
  }
}

/** Writes a stream to a file; a file that could not be written whole is an error, not a shorter file. */
export async function storeStream(
  stream: Readable,
  place: string,
  signal: AbortSignal,
  mode = 0o644,
): Promise<void> {
  await pipeline(stream, createWriteStream(place, { mode }), { signal });
}
