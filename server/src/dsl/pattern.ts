/**
 * Regular expressions that always end soon.
 *
 * An author writes the pattern, a stranger gives the value, and the server must answer either in time: a
 * backtracking matcher can be kept busy for years by `(a+)+$` and thirty letters. This one follows all
 * alternatives at once, so its time is bounded by pattern size times text length. (Lookaheads multiply that, so steps are
 * also counted, and a text that takes too many does not match.) Spelled as in Python: named groups, `\A`, `\Z`, `(?i)`. Backreferences and lookbehind cannot be done
 * this way; a pattern with them is refused, not approximated.
 */

/** One step of a compiled pattern. */
type Step =
  | { readonly kind: 'char'; readonly fits: (code: number) => boolean }
  | { readonly kind: 'split'; readonly one: number; readonly two: number }
  | { readonly kind: 'jump'; readonly to: number }
  | { readonly kind: 'assert'; readonly holds: Assertion }
  | { readonly kind: 'match' };

type Assertion = (text: string, at: number, budget: { steps: number }) => boolean;

export interface Pattern {
  /** Whether the text, from its start, begins with something the pattern describes. A text that takes too long does not. */
  matches(text: string): boolean;
}

/** Steps a pattern may have, counted repetitions written out. */
const MOST_STEPS = 5_000;
const DEEPEST = 100;
/** Steps one match may take: some tenths of a second. */
const BUDGET = 20_000_000;

class Refused extends Error {}

/** The pattern, or what is wrong with it. */
export function compilePattern(source: string): Pattern | { readonly problem: string } {
  try {
    const program = new Parser(source).program();
    return { matches: (text) => runs(program, text, 0, { steps: BUDGET }) };
  } catch (error) {
    if (error instanceof Refused) return { problem: error.message };
    throw error;
  }
}

/** All places of the program reached at once, character by character. */
function runs(program: readonly Step[], text: string, start: number, budget: { steps: number }): boolean {
  let current: number[] = [];
  const seen = new Int32Array(program.length).fill(-1);
  const add = (list: number[], first: number, at: number): boolean => {
    const stack = [first];
    while (stack.length > 0) {
      const index = stack.pop()!;
      if (seen[index] === at) continue;
      seen[index] = at;
      budget.steps--;
      const step = program[index]!;
      if (step.kind === 'match') return true;
      if (step.kind === 'char') list.push(index);
      else if (step.kind === 'jump') stack.push(step.to);
      else if (step.kind === 'split') stack.push(step.two, step.one);
      else if (step.holds(text, at, budget)) stack.push(index + 1);
    }
    return false;
  };
  if (add(current, 0, start)) return true;
  for (let at = start; at < text.length && current.length > 0 && budget.steps > 0; ) {
    const code = text.codePointAt(at)!;
    const next = at + (code > 0xffff ? 2 : 1);
    const reached: number[] = [];
    for (const index of current) {
      const step = program[index]!;
      if (step.kind === 'char' && step.fits(code) && add(reached, index + 1, next)) return true;
    }
    current = reached;
    at = next;
  }
  return false;
}

/** A piece of program whose jumps are relative to its own start. */
type Fragment = readonly Step[];

class Parser {
  private at = 0;
  private depth = 0;
  private ignoreCase = false;
  private dotAll = false;
  private multiline = false;

  constructor(private readonly source: string) {}

  program(): Step[] {
    this.flags();
    const fragment = this.alternatives();
    if (this.at < this.source.length) throw new Refused(`unmatched ')' at ${this.at}`);
    return [...fragment, { kind: 'match' }];
  }

  /** `(?ims)` at the very start. */
  private flags(): void {
    const found = /^\(\?([aimsu]+)\)/.exec(this.source);
    if (found === null) return;
    this.at = found[0].length;
    this.ignoreCase = found[1]!.includes('i');
    this.dotAll = found[1]!.includes('s');
    this.multiline = found[1]!.includes('m');
  }

  private alternatives(): Fragment {
    if (++this.depth > DEEPEST) throw new Refused('groups are nested too deeply');
    let whole = this.sequence();
    while (this.source[this.at] === '|') {
      this.at++;
      whole = either(whole, this.sequence());
    }
    this.depth--;
    return whole;
  }

  private sequence(): Fragment {
    let whole: Step[] = [];
    while (this.at < this.source.length && this.source[this.at] !== '|' && this.source[this.at] !== ')') {
      whole = append(whole, this.repeated());
    }
    return whole;
  }

  private repeated(): Fragment {
    const piece = this.atom();
    const counts = this.quantifier();
    if (counts === null) return piece;
    // Lazy or greedy makes no difference to whether there is a match.
    if (this.source[this.at] === '?') this.at++;
    if (this.quantifier() !== null) throw new Refused(`multiple repeat at ${this.at}`);
    return repeat(piece, counts.least, counts.most);
  }

  private quantifier(): { least: number; most: number } | null {
    const counted = /^\{(\d*)(,?)(\d*)\}/.exec(this.source.slice(this.at, this.at + 24));
    if (counted !== null && (counted[1] !== '' || counted[3] !== '')) {
      this.at += counted[0].length;
      const least = Number(counted[1] === '' ? 0 : counted[1]);
      const most =
        counted[2] === '' ? least : counted[3] === '' ? Number.POSITIVE_INFINITY : Number(counted[3]);
      if (most < least) throw new Refused('min repeat greater than max repeat');
      return { least, most };
    }
    const sign = this.source[this.at];
    if (sign !== '*' && sign !== '+' && sign !== '?') return null;
    this.at++;
    return { least: sign === '+' ? 1 : 0, most: sign === '?' ? 1 : Number.POSITIVE_INFINITY };
  }

  private atom(): Fragment {
    const char = this.take();
    switch (char) {
      case '(':
        return this.group();
      case '[':
        return this.charOf(this.set());
      case '.':
        return [{ kind: 'char', fits: this.dotAll ? () => true : (code) => code !== 10 }];
      case '^':
        return [
          assertion(this.multiline ? (text, at) => at === 0 || text[at - 1] === '\n' : (_, at) => at === 0),
        ];
      case '$':
        return [assertion(this.multiline ? (text, at) => at === text.length || text[at] === '\n' : atEnd)];
      case '\\':
        return this.escape();
      case '*':
      case '+':
      case '?':
        throw new Refused(`nothing to repeat at ${this.at - 1}`);
      default:
        return this.charOf(equals(char));
    }
  }

  private group(): Fragment {
    const kind =
      /^\?(?::|=|!|P?<[A-Za-z_]\w*>|<=|<!|P=|#[^)]*)/.exec(this.source.slice(this.at))?.[0] ?? null;
    if (kind === null && this.source[this.at] === '?') throw new Refused(`unknown extension at ${this.at}`);
    if (kind === '?<=' || kind === '?<!') throw new Refused('lookbehind is not supported');
    if (kind === '?P=') throw new Refused('backreferences are not supported');
    this.at += kind?.length ?? 0;
    const inner = this.alternatives();
    if (this.source[this.at] !== ')') throw new Refused('missing ), unterminated group');
    this.at++;
    if (kind !== '?=' && kind !== '?!') return kind?.startsWith('?#') ? [] : inner;
    const program: Step[] = [...inner, { kind: 'match' }];
    const wanted = kind === '?=';
    return [assertion((text, at, budget) => runs(program, text, at, budget) === wanted)];
  }

  private escape(): Fragment {
    if (this.at >= this.source.length) throw new Refused('bad escape (end of pattern)');
    const char = this.source[this.at]!;
    const anchors: Record<string, (text: string, at: number) => boolean> = {
      A: (_, at) => at === 0,
      Z: (text, at) => at === text.length,
      b: (text, at) => isBoundary(text, at),
      B: (text, at) => !isBoundary(text, at),
    };
    if (Object.hasOwn(anchors, char)) {
      this.at++;
      return [assertion(anchors[char]!)];
    }
    if (/[1-9]/.test(char)) throw new Refused('backreferences are not supported');
    return this.charOf(this.escapedChars());
  }

  /** After a backslash: a class, or one character. */
  private escapedChars(): (code: number) => boolean {
    const char = this.take();
    const known = CLASSES[char];
    if (known !== undefined) return known;
    if (char === 'x' || char === 'u') return equals(String.fromCodePoint(this.hex(char === 'x' ? 2 : 4)));
    const control = CONTROLS[char];
    if (control !== undefined) return equals(control);
    if (/[A-Za-z]/.test(char)) throw new Refused(`bad escape \\${char}`);
    return equals(char);
  }

  private hex(digits: number): number {
    const text = this.source.slice(this.at, this.at + digits);
    if (!new RegExp(`^[0-9a-fA-F]{${digits}}$`).test(text)) throw new Refused('incomplete escape');
    this.at += digits;
    return Number.parseInt(text, 16);
  }

  private set(): (code: number) => boolean {
    const negated = this.source[this.at] === '^';
    if (negated) this.at++;
    const parts: ((code: number) => boolean)[] = [];
    for (let first = true; first || this.source[this.at] !== ']'; first = false) {
      if (this.at >= this.source.length) throw new Refused('unterminated character set');
      const low = this.setMember();
      if (typeof low === 'function') {
        parts.push(low);
        continue;
      }
      if (
        this.source[this.at] !== '-' ||
        this.source[this.at + 1] === ']' ||
        this.at + 1 >= this.source.length
      ) {
        parts.push((code) => code === low);
        continue;
      }
      this.at++;
      const high = this.setMember();
      if (typeof high === 'function' || high < low) throw new Refused('bad character range');
      parts.push((code) => code >= low && code <= high);
    }
    this.at++;
    const fits = this.ignoreCase ? anyCase(parts) : (code: number) => parts.some((part) => part(code));
    return negated ? (code) => !fits(code) : fits;
  }

  private setMember(): number | ((code: number) => boolean) {
    const char = this.take();
    if (char !== '\\') return char.codePointAt(0)!;
    const escaped = this.source[this.at] ?? '';
    if (Object.hasOwn(CLASSES, escaped)) return this.escapedChars();
    if (escaped === 'b') {
      this.at++;
      return 8;
    }
    if (escaped === 'x' || escaped === 'u') {
      this.at++;
      return this.hex(escaped === 'x' ? 2 : 4);
    }
    this.take();
    const control = CONTROLS[escaped];
    if (control === undefined && /[A-Za-z]/.test(escaped)) throw new Refused(`bad escape \\${escaped}`);
    return (control ?? escaped).codePointAt(0) ?? 0;
  }

  private charOf(fits: (code: number) => boolean): Fragment {
    return [{ kind: 'char', fits: this.ignoreCase ? anyCase([fits]) : fits }];
  }

  private take(): string {
    const code = this.source.codePointAt(this.at);
    if (code === undefined) throw new Refused('unexpected end of pattern');
    const char = String.fromCodePoint(code);
    this.at += char.length;
    return char;
  }
}

const isDigit = (code: number) => code >= 48 && code <= 57;
const isWord = (code: number) =>
  code === 95 || isDigit(code) || /[\p{L}\p{N}]/u.test(String.fromCodePoint(code));
const isSpace = (code: number) => /\s/.test(String.fromCodePoint(code));
const CLASSES: Readonly<Record<string, (code: number) => boolean>> = {
  d: isDigit,
  D: (code) => !isDigit(code),
  w: isWord,
  W: (code) => !isWord(code),
  s: isSpace,
  S: (code) => !isSpace(code),
};
const CONTROLS: Readonly<Record<string, string>> = {
  n: '\n',
  r: '\r',
  t: '\t',
  f: '\f',
  v: '\v',
  a: '\x07',
  0: '\0',
};

function equals(char: string): (code: number) => boolean {
  const wanted = char.codePointAt(0)!;
  return (code) => code === wanted;
}

function anyCase(parts: readonly ((code: number) => boolean)[]): (code: number) => boolean {
  return (code) => {
    const char = String.fromCodePoint(code);
    const variants = [code, char.toLowerCase().codePointAt(0)!, char.toUpperCase().codePointAt(0)!];
    return parts.some((part) => variants.some(part));
  };
}

/** `$` also holds before a last line break. */
function atEnd(text: string, at: number): boolean {
  return at === text.length || (at === text.length - 1 && text[at] === '\n');
}

function isBoundary(text: string, at: number): boolean {
  const before = at > 0 && isWord(text.charCodeAt(at - 1));
  const after = at < text.length && isWord(text.charCodeAt(at));
  return before !== after;
}

function assertion(holds: Assertion): Step {
  return { kind: 'assert', holds };
}

function moved(step: Step, by: number): Step {
  if (step.kind === 'split') return { ...step, one: step.one + by, two: step.two + by };
  return step.kind === 'jump' ? { ...step, to: step.to + by } : step;
}

function append(whole: Step[], piece: Fragment): Step[] {
  const offset = whole.length;
  if (offset + piece.length > MOST_STEPS) throw new Refused('the pattern is too large');
  for (const step of piece) whole.push(moved(step, offset));
  return whole;
}

function either(one: Fragment, two: Fragment): Fragment {
  const whole = append([{ kind: 'split', one: 1, two: one.length + 2 }], one);
  whole.push({ kind: 'jump', to: one.length + two.length + 2 });
  return append(whole, two);
}

function repeat(piece: Fragment, least: number, most: number): Fragment {
  if (
    Math.max(least, most === Number.POSITIVE_INFINITY ? 1 : most) * Math.max(1, piece.length) >
    MOST_STEPS
  ) {
    throw new Refused('the pattern is too large');
  }
  let whole: Step[] = [];
  for (let count = 0; count < least; count++) whole = append(whole, piece);
  if (most === Number.POSITIVE_INFINITY) {
    const loop = append([{ kind: 'split', one: 1, two: piece.length + 2 }], piece);
    loop.push({ kind: 'jump', to: 0 });
    return append(whole, loop);
  }
  for (let count = least; count < most; count++) {
    whole = append(whole, append([{ kind: 'split', one: 1, two: piece.length + 1 }], piece));
  }
  return whole;
}
