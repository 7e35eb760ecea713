/**
 * The program of an agent, as it is sent to hosts: one archive, which `scripts/build.mjs` lays out in `build/agent`. The same
 * files give the same bytes, so every process of one release knows the same sum.
 */
import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';

export interface AgentProgram {
  /** A tar, compressed with gzip. */
  readonly bytes: Buffer;
  /** SHA-256 in hexadecimal. */
  readonly sha256: string;
}

const FOLDER = fileURLToPath(new URL('../../../agent', import.meta.url));
const BLOCK = 512;
let made: Promise<AgentProgram> | null = null;

/** Made at the first call, and kept: some 400 KB. */
export function agentProgram(): Promise<AgentProgram> {
  made ??= packed(FOLDER).catch((error: unknown) => {
    made = null;
    throw error;
  });
  return made;
}

async function packed(folder: string): Promise<AgentProgram> {
  const paths = await filesBelow(folder);
  const parts: Buffer[] = [];
  for (const path of paths.sort()) {
    const content = await readFile(path);
    const { mode } = await stat(path);
    parts.push(headerOf(relative(folder, path).split(sep).join('/'), content.length, (mode & 0o100) !== 0));
    parts.push(content, Buffer.alloc((BLOCK - (content.length % BLOCK)) % BLOCK));
  }
  parts.push(Buffer.alloc(2 * BLOCK));
  const bytes = await promisify(gzip)(Buffer.concat(parts));
  return { bytes, sha256: createHash('sha256').update(bytes).digest('hex') };
}

async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
}

/** One file's header as POSIX has it (ustar): no time, no owner. */
function headerOf(name: string, size: number, executable: boolean): Buffer {
  if (Buffer.byteLength(name) > 100) throw new Error(`${name} is too long a name for an archive`);
  const header = Buffer.alloc(BLOCK);
  const put = (at: number, text: string) => header.write(text, at, 'latin1');
  put(0, name);
  put(100, executable ? '0000700\0' : '0000600\0');
  put(108, '0000000\0');
  put(116, '0000000\0');
  put(124, `${size.toString(8).padStart(11, '0')}\0`);
  put(136, '00000000000\0');
  put(148, '        ');
  put(156, '0');
  put(257, 'ustar\x0000');
  const sum = header.reduce((total, byte) => total + byte, 0);
  put(148, `${sum.toString(8).padStart(6, '0')}\0 `);
  return header;
}
