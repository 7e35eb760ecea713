/** A button that copies a text, and says so. */
import { el } from './dom.js';

export function copyButton(text: () => string, label = 'Copy'): HTMLButtonElement {
  const said = el('span', { 'aria-live': 'polite' }, label);
  const button = el('button', { type: 'button', class: 'quiet copy' }, said);
  button.addEventListener('click', async () => {
    said.textContent = (await copied(text())) ? 'Copied' : 'Press Ctrl+C';
    setTimeout(() => {
      said.textContent = label;
    }, 1500);
  });
  return button;
}

/** Without HTTPS browsers have no clipboard for scripts, but still the old way. */
async function copied(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = el('textarea', { class: 'visually-hidden', 'aria-hidden': 'true' });
    area.value = text;
    const before = document.activeElement;
    document.body.append(area);
    area.select();
    const done = document.execCommand('copy');
    area.remove();
    if (before instanceof HTMLElement) before.focus();
    return done;
  }
}
