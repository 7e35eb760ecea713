/**
 * A document with samples in it, for readers that make none themselves: each operation with the request in two languages for every
 * way in (`x-codeSamples`), each body and answer of JSON with an example. Pure.
 */
import { callOf, mediaExample, waysOf } from './call.js';
import { codeSample, LANGUAGES } from './code-samples.js';
import { isObject, type Json, type JsonObject } from './components.js';
import { type Described, operationsOf, resolved } from './reading.js';

const TOLD = new Set(['curl', 'python']);
/** A document names no host: whoever reads it knows where it came from. */
const ORIGIN = 'https://SERVER';

export function withSamples(document: JsonObject): JsonObject {
  const paths: Record<string, Record<string, Json>> = {};
  for (const described of operationsOf(document)) {
    const { path, method } = described;
    paths[path] = { ...paths[path], [method.toLowerCase()]: sampled(document, described) };
  }
  const components = document.components as JsonObject;
  const responses = withExamples(document, components.responses, 'response');
  return { ...document, paths, components: { ...components, responses } };
}

function sampled(document: JsonObject, described: Described): JsonObject {
  const { operation } = described;
  const body = operation.requestBody;
  return {
    ...operation,
    ...(isObject(body) ? { requestBody: exemplified(document, body, 'request') } : {}),
    responses: withExamples(document, operation.responses, 'response'),
    'x-codeSamples': samplesOf(document, described),
  };
}

function samplesOf(document: JsonObject, described: Described): Json {
  const ways = waysOf(document, described);
  return (ways.length === 0 ? [undefined] : ways).flatMap((way) =>
    LANGUAGES.filter(({ id }) => TOLD.has(id)).map(({ id, title }) => ({
      lang: id === 'curl' ? 'Shell' : title,
      label: way === undefined ? title : `${title}, ${way.label}`,
      source: codeSample(id, callOf(document, described, { way }), ORIGIN),
    })),
  );
}

function withExamples(
  document: JsonObject,
  answers: Json | undefined,
  direction: 'request' | 'response',
): JsonObject {
  const given = isObject(answers) ? Object.entries(answers) : [];
  return Object.fromEntries(
    given.map(([name, each]) => [name, isObject(each) ? exemplified(document, each, direction) : each]),
  );
}

function exemplified(document: JsonObject, part: JsonObject, direction: 'request' | 'response'): JsonObject {
  if (!isObject(part.content)) return part;
  const content = Object.entries(part.content).map(([type, media]): [string, Json] => {
    const given = resolved(document, media);
    if (!/json$/.test(type) || given.example !== undefined) return [type, media];
    return [type, { ...given, example: mediaExample(document, given, direction) }];
  });
  return { ...part, content: Object.fromEntries(content) };
}
