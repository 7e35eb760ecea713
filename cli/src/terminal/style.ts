/**
 * Colours by meaning, so that one look tells what a line is about, and one table decides it for the whole program.
 */

export type Tone = 'plain' | 'good' | 'bad' | 'warning' | 'busy' | 'quiet' | 'name' | 'strong';

const CODES: Record<Tone, readonly [open: string, close: string] | null> = {
  plain: null,
  good: ['\u001b[32m', '\u001b[39m'],
  bad: ['\u001b[31m', '\u001b[39m'],
  warning: ['\u001b[33m', '\u001b[39m'],
  busy: ['\u001b[36m', '\u001b[39m'],
  quiet: ['\u001b[2m', '\u001b[22m'],
  name: ['\u001b[34m', '\u001b[39m'],
  strong: ['\u001b[1m', '\u001b[22m'],
};

/** How to draw on one stream. */
export interface Style {
  readonly colour: boolean;
  readonly glyphs: Glyphs;
  paint(tone: Tone, text: string): string;
}

export interface Glyphs {
  readonly done: string;
  readonly failed: string;
  readonly stopped: string;
  readonly retry: string;
  readonly begin: string;
  readonly state: string;
  readonly task: string;
  readonly log: string;
  readonly barFull: string;
  readonly barEmpty: string;
  readonly spinner: readonly string[];
  readonly ellipsis: string;
  readonly dot: string;
}

const UNICODE: Glyphs = {
  done: '✔',
  failed: '✘',
  stopped: '■',
  retry: '↻',
  begin: '▶',
  state: '●',
  task: '→',
  log: '│',
  barFull: '━',
  barEmpty: '─',
  spinner: ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'],
  ellipsis: '…',
  dot: '·',
};

const ASCII: Glyphs = {
  done: '+',
  failed: 'x',
  stopped: '#',
  retry: '~',
  begin: '>',
  state: '*',
  task: '-',
  log: '|',
  barFull: '#',
  barEmpty: '-',
  spinner: ['-', '\\', '|', '/'],
  ellipsis: '~',
  dot: '-',
};

export function makeStyle(options: { colour: boolean; unicode: boolean }): Style {
  return {
    colour: options.colour,
    glyphs: options.unicode ? UNICODE : ASCII,
    paint(tone, text) {
      const codes = options.colour ? CODES[tone] : null;
      return codes === null || text === '' ? text : codes[0] + text + codes[1];
    },
  };
}

/**
 * Whether to colour: `NO_COLOR` (not empty) says no, then `FORCE_COLOR` says yes (`0` or `false`: no), else a
 * terminal that is not `dumb` is coloured.
 */
export function wantsColour(env: NodeJS.ProcessEnv, isTerminal: boolean): boolean {
  if ((env.NO_COLOR ?? '') !== '') return false;
  const force = env.FORCE_COLOR;
  if (force !== undefined) return force !== '0' && force !== 'false';
  return isTerminal && env.TERM !== 'dumb';
}

/** Whether the locale speaks UTF-8; without any locale we trust that it does, except on the Linux console. */
export function speaksUnicode(env: NodeJS.ProcessEnv): boolean {
  const locale = env.LC_ALL || env.LC_CTYPE || env.LANG || '';
  if (/utf-?8/i.test(locale)) return true;
  if (locale === '') return env.TERM !== 'linux';
  return false;
}

/** The tone of a status or state word, whichever resource it belongs to. */
export function statusTone(status: string | null | undefined): Tone {
  switch ((status ?? '').toLowerCase()) {
    case 'terminated':
    case 'completed':
    case 'uploaded':
    case 'active':
    case 'good':
    case 'ok':
    case 'running':
    case 'started':
      return 'good';
    case 'failed':
    case 'fail':
    case 'requires_attention':
    case 'failed_uploading':
    case 'failed_extracting':
    case 'failed_parsing':
    case 'invalid':
      return 'bad';
    case 'cancelled':
    case 'cancelling':
    case 'force_cancelling':
    case 'kill_cancelling':
    case 'stopping':
    case 'deleting':
      return 'warning';
    case 'pending':
    case 'in_progress':
    case 'queued':
    case 'scheduled':
    case 'uploading':
    case 'extracting':
    case 'parsing':
    case 'initializing':
    case 'creating':
    case 'configuring':
    case 'starting':
      return 'busy';
    case 'uninitialized':
    case 'deleted':
    case 'inactive':
      return 'quiet';
    default:
      return 'plain';
  }
}
