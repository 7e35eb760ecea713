/** Before something is changed: what would be sent, with the schema beside it, and a question. */
import { callOf } from '../../src/openapi/call.js';
import { codeSample } from '../../src/openapi/code-samples.js';
import type { JsonObject } from '../../src/openapi/components.js';
import { type Described, membersOf, resolved } from '../../src/openapi/reading.js';
import { copyButton } from '../copying.js';
import { el } from '../dom.js';
import { rowsOf } from '../reference/schema-rows.js';
import { rowsView } from '../reference/schema-view.js';
import { callOfSent } from './response-view.js';
import type { Sent } from './sending.js';

export interface Asked {
  readonly method: string;
  readonly href: string;
  readonly title: string;
  readonly document: JsonObject | null;
  readonly described: Described | undefined;
  /** Page of the reference, with a slash at the end. */
  readonly reference: string;
}

/** @param send called with what is to be sent, if it is */
export function openCallDialog(asked: Asked, send: (sent: Sent) => void): void {
  const { method, href, title, document: api, described, reference } = asked;
  const body = el('textarea', {
    id: 'call-body',
    rows: 10,
    spellcheck: 'false',
    'aria-describedby': 'call-said',
  });
  body.value = api === null || described === undefined ? '' : suggested(api, described);
  const said = el('p', { id: 'call-said', class: 'wrong', role: 'alert' });
  const cancel = el('button', { type: 'button', class: 'quiet' }, 'Cancel');
  const go = el('button', { type: 'submit', class: method === 'DELETE' ? 'danger' : null }, `Send ${method}`);
  const sent = (): Sent => ({ method, href, body: body.value.trim() });
  const schema = api === null || described === undefined ? null : schemaOf(api, described);
  const form = el(
    'form',
    {},
    el('h2', { id: 'call-title' }, title),
    el(
      'p',
      { class: 'address' },
      el('span', { class: `method ${method.toLowerCase()}` }, method),
      ' ',
      el('code', {}, href),
    ),
    el('p', { class: 'note warn' }, 'This changes data, with your rights.'),
    method === 'DELETE'
      ? null
      : el('label', { class: 'field', for: 'call-body' }, 'Body, as JSON (may be empty)', body),
    said,
    schema,
    el(
      'div',
      { class: 'choices' },
      go,
      cancel,
      copyButton(
        () => (isSound() ? codeSample('curl', callOfSent(sent()), location.origin) : ''),
        'Copy as curl',
      ),
      described === undefined
        ? null
        : el('a', { href: `${reference}#${described.id}`, target: '_blank' }, 'Reference'),
    ),
  );
  const dialog = el('dialog', { class: 'sheet call', 'aria-labelledby': 'call-title' }, form);
  const isSound = (): boolean => {
    try {
      if (body.value.trim() !== '') JSON.parse(body.value);
      said.textContent = '';
      return true;
    } catch (error) {
      said.textContent = `This is no JSON: ${error instanceof Error ? error.message : ''}`;
      return false;
    }
  };
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    if (!isSound()) {
      body.focus();
      return;
    }
    dialog.close();
    send(sent());
  });
  cancel.addEventListener('click', () => dialog.close());
  dialog.addEventListener('close', () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
  (method === 'DELETE' ? cancel : body).focus();
}

function suggested(api: JsonObject, described: Described): string {
  const call = callOf(api, described);
  return call.body?.kind === 'json' ? JSON.stringify(call.body.value, null, 2) : '';
}

function schemaOf(api: JsonObject, { operation }: Described): HTMLElement | null {
  const [media] = membersOf(resolved(api, operation.requestBody).content);
  const rows = media === undefined ? [] : rowsOf(api, media[1].schema ?? {});
  return rows.length === 0
    ? null
    : el('details', {}, el('summary', {}, 'What the body may hold'), rowsView(rows));
}
