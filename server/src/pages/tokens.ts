/**
 * The tokens of colour and type that every page of this server is drawn with, light and dark, as custom properties of CSS.
 *
 * The one place where a colour is written. Dark follows the system; `data-theme` on the root element overrules it. Every pair of
 * text and ground is at least 4.5:1, every border of a control at least 3:1 (a test computes them). A state is never told by its colour
 * alone: beside it stands a shape and a word.
 */
interface Themed {
  readonly light: string;
  readonly dark: string;
}

/** What an object may be in; each has a colour for text and a tint of it as ground. */
export const STATES = ['ok', 'working', 'waiting', 'warn', 'bad', 'leaving', 'idle', 'off'] as const;

export const COLOURS: Readonly<Record<string, Themed>> = {
  canvas: { light: '#F5F6F8', dark: '#0F1216' },
  surface: { light: '#FFFFFF', dark: '#171B21' },
  sub: { light: '#EEF0F3', dark: '#1F242C' },
  fg: { light: '#15181D', dark: '#E8EBEF' },
  muted: { light: '#5A6370', dark: '#A0A9B5' },
  line: { light: '#DFE3E8', dark: '#2A3038' },
  control: { light: '#7E8794', dark: '#66707D' },
  accent: { light: '#2F5BD7', dark: '#8AB4FF' },
  'on-accent': { light: '#FFFFFF', dark: '#10151C' },
  sun: { light: '#B9892F', dark: '#D9B765' },
  ok: { light: '#13795B', dark: '#5FE0B0' },
  working: { light: '#0F62BD', dark: '#7DB7FF' },
  waiting: { light: '#5A2CC4', dark: '#B48CF2' },
  warn: { light: '#8A5F00', dark: '#F2BE2C' },
  bad: { light: '#B3131F', dark: '#FF6B66' },
  leaving: { light: '#7A1F73', dark: '#DE8AD0' },
  idle: { light: '#5A6472', dark: '#9AA3AF' },
  off: { light: '#2E343B', dark: '#CDD3DA' },
};

/** How much of a state's colour is in its tint. */
export const TINT: Readonly<Record<keyof Themed, number>> = { light: 0.1, dark: 0.16 };

const FACES = {
  sans: 'ui-sans-serif, system-ui, "Segoe UI", Roboto, "Noto Sans", sans-serif',
  mono: 'ui-monospace, "SFMono-Regular", Menlo, "DejaVu Sans Mono", monospace',
};

function declared(theme: keyof Themed): string {
  const colours = Object.entries(COLOURS).map(([name, each]) => `--${name}:${each[theme]}`);
  const percent = TINT[theme] * 100;
  const tints = STATES.map(
    (name) => `--${name}-tint:color-mix(in srgb,var(--${name}) ${percent}%,var(--surface))`,
  );
  return [`color-scheme:${theme}`, ...colours, ...tints].join(';');
}

/** To be put before a page's own style. */
export const TOKENS = [
  `:root{--sans:${FACES.sans};--mono:${FACES.mono};${declared('light')}}`,
  `@media (prefers-color-scheme:dark){:root:not([data-theme=light]){${declared('dark')}}}`,
  `:root[data-theme=dark]{${declared('dark')}}`,
  '',
].join('\n');
