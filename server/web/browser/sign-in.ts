/** The form with which one signs in; it stands in the page, where the answer would be. */
import { el } from '../dom.js';
import type { Session } from './session.js';

/** @param done called when somebody has signed in */
export function signInView(session: Session, why: string, done: () => void): HTMLElement {
  const said = el('p', { class: 'note bad', role: 'alert', hidden: true });
  const field = (name: string, label: string, given: Record<string, string | boolean>) => {
    const input = el('input', { id: `sign-in-${name}`, name, ...given });
    return { input, view: el('label', { class: 'field', for: input.id }, label, input) };
  };
  const username = field('username', 'Name', {
    autocomplete: 'username',
    required: true,
    spellcheck: 'false',
    autocapitalize: 'none',
  });
  const password = field('password', 'Password', {
    type: 'password',
    autocomplete: 'current-password',
    required: true,
  });
  const domain = field('domain', 'Domain of a directory', { autocomplete: 'off', spellcheck: 'false' });
  const code = field('code', 'One-time code', { inputmode: 'numeric', autocomplete: 'one-time-code' });
  const token = field('token', 'Token', { type: 'password', autocomplete: 'off' });
  const again = el('input', { type: 'checkbox', id: 'sign-in-again' });
  const button = el('button', { type: 'submit' }, 'Sign in');
  username.input.value = session.lastName;
  const form = el(
    'form',
    { class: 'sign-in pane' },
    el('h2', {}, 'Sign in'),
    el('p', { class: 'muted' }, why),
    said,
    username.view,
    password.view,
    el(
      'label',
      { class: 'check', for: 'sign-in-again' },
      again,
      ' Renew by itself: tokens end after minutes. Keeps the password in the memory of this page, until it is left.',
    ),
    el(
      'details',
      {},
      el('summary', {}, 'Directory, one-time code, or a token'),
      domain.view,
      code.view,
      token.view,
    ),
    button,
    el(
      'p',
      { class: 'muted small' },
      'What you see and may do here is what you may do anywhere: this page has no rights of its own.',
    ),
  );
  token.input.addEventListener('input', () => {
    const given = token.input.value.trim() !== '';
    username.input.required = !given;
    password.input.required = !given;
  });
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    if (token.input.value.trim() !== '') {
      session.useToken(token.input.value.trim());
      done();
      return;
    }
    button.disabled = true;
    said.hidden = true;
    const wrong = await session.signIn(
      {
        username: username.input.value.trim(),
        password: password.input.value,
        domain: domain.input.value.trim(),
        code: code.input.value.trim(),
      },
      again.checked,
    );
    button.disabled = false;
    if (wrong === null) {
      done();
      return;
    }
    said.textContent = wrong;
    said.hidden = false;
    password.input.select();
  });
  queueMicrotask(() => (username.input.value === '' ? username.input : password.input).focus());
  return form;
}
