/** What all pages have in their head: the theme, and the sheet of keys. */
import { byId, el, isTyping } from './dom.js';
import { remember, remembered } from './remembered.js';

export interface Shortcut {
  /** As `KeyboardEvent.key` says it. */
  readonly key: string;
  readonly does: string;
  /** What the sheet shows, where it is not the key. */
  readonly shown?: string;
  run(): void;
}

const THEMES = ['system', 'light', 'dark'] as const;

export function addFrame(given: readonly Shortcut[]): void {
  const theme = themeButton();
  const all: Shortcut[] = [
    ...given,
    { key: 't', does: 'System, light or dark theme', run: () => theme.click() },
    { key: '?', does: 'This list', run: () => openSheet(all) },
  ];
  const help = el('button', { type: 'button', class: 'quiet', onclick: () => openSheet(all) }, 'Keys');
  byId('tools').append(theme, help);
  document.addEventListener('keydown', (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event)) return;
    if (document.querySelector('dialog[open]') !== null || remembered('keys') === 'off') return;
    const found = all.find(({ key }) => key === event.key);
    if (found === undefined) return;
    event.preventDefault();
    found.run();
  });
}

function themeButton(): HTMLButtonElement {
  const word = () => THEMES.find((each) => each === remembered('theme')) ?? 'system';
  const label = () => `Theme: ${word()}`;
  const button = el('button', { type: 'button', class: 'quiet' }, label());
  button.addEventListener('click', () => {
    const next = THEMES[(THEMES.indexOf(word()) + 1) % THEMES.length]!;
    remember('theme', next);
    if (next === 'system') delete document.documentElement.dataset.theme;
    else document.documentElement.dataset.theme = next;
    button.textContent = label();
  });
  return button;
}

function openSheet(shortcuts: readonly Shortcut[]): void {
  const off = el('input', { type: 'checkbox', id: 'keys-off', checked: remembered('keys') === 'off' });
  off.addEventListener('change', () => remember('keys', off.checked ? 'off' : 'on'));
  const close = el('button', { type: 'button', class: 'quiet' }, 'Close');
  const dialog = el(
    'dialog',
    { class: 'sheet', 'aria-labelledby': 'sheet-title' },
    el('div', { class: 'sheet-head' }, el('h2', { id: 'sheet-title' }, 'Keys'), close),
    el(
      'dl',
      {},
      ...shortcuts.flatMap(({ key, shown, does }) => [
        el('dt', {}, el('kbd', {}, shown ?? key)),
        el('dd', {}, does),
      ]),
    ),
    el('label', { class: 'check', for: 'keys-off' }, off, ' Turn single keys off'),
  );
  close.addEventListener('click', () => dialog.close());
  dialog.addEventListener('close', () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}
