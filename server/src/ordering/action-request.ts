/**
 * A webhook as the request that is sent for it: its settings, with what it is about laid into them. Pure.
 *
 *   {"url": "https://chat.example/hook", "method": "POST", "headers": {"x-room": "ops"}, "body": "{\"text\": \"{{ server.hostname }} is up\"}"}
 *
 * `{{ server.hostname }}` stands for a fact, `{{ name }}` for an input: escaped as the place asks for it, nothing where there is none. Without a
 * `body`, all that is known is sent as JSON.
 */
import type { Json, JsonObject } from '../dsl/plan.js';
import type { About } from './action-script.js';

export interface ActionRequest {
  readonly method: string;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const METHODS: ReadonlySet<string> = new Set(['GET', 'POST', 'PUT', 'PATCH', 'DELETE']);
/** What says who we are stands in no settings: these are told to whoever exports the action. The rest is the connection's own. */
const REFUSED =
  /^(authorization|proxy-.*|cookie|host|connection|content-length|transfer-encoding|te|trailer|upgrade|expect|accept-encoding)$/i;
const MOST_HEADERS = 30;
const PLACE = /\{\{\s*([\w.-]{1,200})\s*\}\}/g;

/** Why its settings make no request; null: they do. */
export function requestProblem(settings: JsonObject): string | null {
  const { url, method = 'POST', headers = {}, body } = settings;
  if (typeof url !== 'string' || !/^https?:\/\/[^\s{}/]/i.test(url.trim()))
    return 'its settings name no `url` that begins with http:// or https:// and a host';
  if (typeof method !== 'string' || !METHODS.has(method.toUpperCase()))
    return `its \`method\` is none of ${[...METHODS].join(', ')}`;
  if (body !== undefined && typeof body !== 'string') return 'its `body` is no text';
  if (typeof headers !== 'object' || headers === null || Array.isArray(headers))
    return 'its `headers` are no object of texts';
  const given = Object.entries(headers);
  if (given.length > MOST_HEADERS) return `it has more than ${MOST_HEADERS} headers`;
  for (const [name, value] of given) {
    if (!/^[!#$%&'*+.^`|~\w-]{1,100}$/.test(name) || typeof value !== 'string' || !isPlain(value))
      return `its header '${name.slice(0, 100)}' is none`;
    if (REFUSED.test(name))
      return `its header '${name}' cannot be given: credentials do not stand in settings, and the connection is not theirs`;
  }
  return null;
}

/** Of settings in which there is no problem. @param found null: no condition came before it */
export function actionRequest(
  settings: JsonObject,
  known: { readonly inputs: JsonObject; readonly about: About; readonly found: Json },
): ActionRequest {
  const { inputs, about, found } = known;
  const facts: JsonObject = {
    ...inputs,
    ...Object.fromEntries(Object.entries(about).filter(([, one]) => one !== null)),
    ...(found === null ? {} : { found }),
  };
  const laid = (text: string, escaped: (value: string) => string) =>
    text.replace(PLACE, (_, path: string) => escaped(textAt(facts, path)));
  const method = String(settings.method ?? 'POST').toUpperCase();
  const headers = Object.entries((settings.headers ?? {}) as Record<string, string>).map(
    ([name, value]) => [name.toLowerCase(), laid(value, plain)] as const,
  );
  const body =
    typeof settings.body === 'string' ? laid(settings.body, quoted) : JSON.stringify({ ...facts, inputs });
  return {
    method,
    url: laid(String(settings.url).trim(), encodeURIComponent),
    headers: { 'content-type': 'application/json', ...Object.fromEntries(headers) },
    body: method === 'GET' ? '' : body,
  };
}

function textAt(facts: JsonObject, path: string): string {
  let value: Json | undefined = facts;
  for (const step of path.split('.')) {
    if (typeof value !== 'object' || value === null || Array.isArray(value) || !Object.hasOwn(value, step))
      return '';
    value = value[step];
  }
  if (value === undefined || value === null) return '';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** Within quotation marks of JSON. */
function quoted(value: string): string {
  return JSON.stringify(value).slice(1, -1);
}

function plain(value: string): string {
  return value.replace(/[^\x20-\x7e]/g, ' ');
}

function isPlain(value: string): boolean {
  return value.length <= 2000 && /^[\x20-\x7e]*$/.test(value);
}
