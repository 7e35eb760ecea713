/** What a checkup says: one finding for each check, and the way out of what is not well. */

/** `bad`: something does not work or will be lost. `note`: it works, and one should know. */
export type Level = 'good' | 'note' | 'bad';

export interface Finding {
  /** A stable word, for programs. */
  readonly check: string;
  readonly level: Level;
  /** What was found, in a sentence. */
  readonly found: string;
  /** What to do about it; absent where nothing is to be done. */
  readonly remedy?: string;
}

export function good(check: string, found: string): Finding {
  return { check, level: 'good', found };
}

export function note(check: string, found: string, remedy: string): Finding {
  return { check, level: 'note', found, remedy };
}

export function bad(check: string, found: string, remedy: string): Finding {
  return { check, level: 'bad', found, remedy };
}

const MARKS: Readonly<Record<Level, string>> = { good: 'ok  ', note: 'note', bad: 'BAD ' };

/** For people: a line for each finding, the way out beneath. */
export function told(findings: readonly Finding[]): string {
  const width = Math.max(...findings.map(({ check }) => check.length));
  const lines = findings.map(({ check, level, found, remedy }) => {
    const line = `${MARKS[level]}  ${check.padEnd(width)}  ${found}\n`;
    return remedy === undefined ? line : `${line}${' '.repeat(width + 8)}${remedy}\n`;
  });
  const count = (level: Level) => findings.filter((finding) => finding.level === level).length;
  const sum = isWell(findings)
    ? `All is well (${findings.length} checks, ${count('note')} to note).\n`
    : `${count('bad')} of ${findings.length} checks found something bad.\n`;
  return `${lines.join('')}\n${sum}`;
}

export function isWell(findings: readonly Finding[]): boolean {
  return findings.every(({ level }) => level !== 'bad');
}
