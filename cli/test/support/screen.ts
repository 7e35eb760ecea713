/** What stays on a terminal's screen after everything was written to it: the few sequences that the program uses. */
const ESCAPE = '\u001b';
const PARTS = new RegExp(`(${ESCAPE}\\[[?\\d;]*[A-Za-z]|\\r|\\n)`);
const UP = new RegExp(`^${ESCAPE}\\[(\\d+)A$`);

export function screen(written: string): string[] {
  const lines: string[] = [''];
  let row = 0;
  for (const part of written.split(PARTS)) {
    const up = UP.exec(part);
    if (part === '\n') {
      row++;
      lines[row] ??= '';
    } else if (part === `${ESCAPE}[J`) {
      lines.length = row + 1;
      lines[row] = '';
    } else if (up) row -= Number(up[1]);
    else if (part !== '\r' && !part.startsWith(ESCAPE)) lines[row] += part;
  }
  return lines.filter((line) => line !== '');
}
