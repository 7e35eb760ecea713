/** An archive of one file, as uploads of blueprints take it. Pure. */

const BLOCK = 512;

/** A tar archive that holds `text` as `path`, inside a folder as uploads expect it. */
export function oneFileArchive(path: string, text: string): Buffer {
  const content = Buffer.from(text);
  const padding = Buffer.alloc((BLOCK - (content.length % BLOCK)) % BLOCK);
  return Buffer.concat([
    header(`blueprint/${path}`, content.length),
    content,
    padding,
    Buffer.alloc(2 * BLOCK),
  ]);
}

function header(path: string, size: number): Buffer {
  const block = Buffer.alloc(BLOCK);
  block.write(path, 0, 100);
  block.write('0000644\0', 100);
  block.write('0000000\0', 108);
  block.write('0000000\0', 116);
  block.write(`${size.toString(8).padStart(11, '0')}\0`, 124);
  block.write('00000000000\0', 136);
  // The sum is taken over the header with blanks in its own place.
  block.write('        ', 148);
  block.write('0', 156);
  block.write('ustar\0', 257);
  block.write('00', 263);
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return block;
}
