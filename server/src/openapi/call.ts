/** A request as an operation of a document asks for it, filled in so far that a person sees what is to be put where. Pure. */
import type { Json, JsonObject } from './components.js';
import { exampleOf } from './examples.js';
import { type Described, listOf, membersOf, resolved, textOf } from './reading.js';

export type CallBody =
  | { readonly kind: 'json'; readonly value: Json }
  | { readonly kind: 'file'; readonly type: string };

export interface Call {
  readonly method: string;
  /** With query, without host. */
  readonly path: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Name and password, where they are what the caller is known by. */
  readonly basic: readonly [user: string, password: string] | null;
  readonly body: CallBody | null;
}

/** One way to be known, as a person would name it: the schemes that are needed together. */
export interface Way {
  readonly label: string;
  readonly schemes: readonly string[];
}

/** The ways in, as the operation offers them; none for what everybody may call. */
export function waysOf(document: JsonObject, { operation }: Described): readonly Way[] {
  return listOf(operation.security ?? document.security).map((each) => {
    const schemes = Object.keys(each as JsonObject);
    return { schemes, label: schemes.map((name) => schemeWords(schemeOf(document, name), name)).join(' + ') };
  });
}

export function schemeOf(document: JsonObject, name: string): JsonObject {
  const components = resolved(document, document.components);
  return resolved(document, resolved(document, components.securitySchemes)[name]);
}

function schemeWords(scheme: JsonObject, name: string): string {
  if (scheme.type === 'http' && scheme.scheme === 'basic') return 'Name and password';
  if (scheme.type === 'http') return 'Bearer token';
  return textOf(scheme.name) || name;
}

/** @param media which of the body's media types; the first where absent */
export function callOf(
  document: JsonObject,
  described: Described,
  choice: { readonly way?: Way | undefined; readonly media?: string | undefined } = {},
): Call {
  const { method, path, operation } = described;
  const parameters = listOf(operation.parameters).map((each) => resolved(document, each));
  const query = parameters
    .filter((each) => each.in === 'query' && each.required === true)
    .map(
      (each) => `${encodeURIComponent(textOf(each.name))}=${encodeURIComponent(filledIn(document, each))}`,
    );
  const headers = parameters
    .filter((each) => each.in === 'header' && each.required === true)
    .map((each) => [textOf(each.name), filledIn(document, each)] as const);
  const known = credentials(document, choice.way ?? waysOf(document, described)[0]);
  const body = bodyOf(document, operation, choice.media);
  const type =
    body === null ? [] : [['Content-Type', body.kind === 'json' ? 'application/json' : body.type] as const];
  const filled = path.replace(/\{([^{}]+)\}/g, (_, name: string) => name.toUpperCase());
  return {
    method,
    path: query.length === 0 ? filled : `${filled}?${query.join('&')}`,
    headers: [...known.headers, ...headers, ...type],
    basic: known.basic,
    body,
  };
}

function filledIn(document: JsonObject, parameter: JsonObject): string {
  const schema = resolved(document, parameter.schema);
  const told = exampleOf(document, schema, 'request');
  const plain = Array.isArray(told) ? told[0] : told;
  return plain === 'string' || plain === null ? textOf(parameter.name).toUpperCase() : String(plain);
}

function credentials(document: JsonObject, way: Way | undefined): Pick<Call, 'headers' | 'basic'> {
  const schemes = (way?.schemes ?? []).map((name) => [name, schemeOf(document, name)] as const);
  const headers = schemes.flatMap(([name, scheme]): [string, string][] => {
    if (scheme.type === 'http' && scheme.scheme === 'basic') return [];
    if (scheme.type === 'http') {
      return [['Authorization', `Bearer YOUR_${shout(name === 'bearer' ? 'token' : name)}`]];
    }
    if (scheme.in === 'cookie') return [['Cookie', `${textOf(scheme.name)}=YOUR_TOKEN`]];
    return scheme.in === 'header' ? [[textOf(scheme.name), `YOUR_${shout(name)}`]] : [];
  });
  const basic = schemes.some(([, scheme]) => scheme.type === 'http' && scheme.scheme === 'basic');
  return { headers, basic: basic ? ['YOUR_NAME', 'YOUR_PASSWORD'] : null };
}

/** `executionToken` -> `EXECUTION_TOKEN` */
function shout(name: string): string {
  return name
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .replace(/[^A-Za-z0-9]+/g, '_')
    .toUpperCase();
}

function bodyOf(document: JsonObject, operation: JsonObject, wanted: string | undefined): CallBody | null {
  const content = membersOf(resolved(document, operation.requestBody).content);
  const [type, media] = content.find(([name]) => name === wanted) ?? content[0] ?? [];
  if (type === undefined || media === undefined) return null;
  if (!/json$/.test(type)) return { kind: 'file', type };
  return { kind: 'json', value: mediaExample(document, media, 'request') };
}

/** The example of a media type: its own, the first of several, or one made from its schema. */
export function mediaExample(
  document: JsonObject,
  media: JsonObject,
  direction: 'request' | 'response',
): Json {
  if (media.example !== undefined) return media.example;
  const [first] = membersOf(media.examples);
  const named = first === undefined ? undefined : resolved(document, first[1]).value;
  return named ?? exampleOf(document, media.schema, direction);
}
