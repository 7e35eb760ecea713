/**
 * Fills a text's `{{ … }}` with values.
 *
 * A small part of what Jinja2 templates can say, the part that configuration files in blueprints mostly use:
 * `{{ a.b[0]['c'] }}`, `{{ a.b | default('text') }}` and `{# comments #}`. A missing last step renders as nothing, a
 * missing step before it is an error, both as in Jinja2. Statements (`{% if %}`, `{% for %}`), other filters, calls
 * and arithmetic are not supported, and are an error rather than text that looks rendered.
 */
import type { Json, JsonObject } from '../../dsl/plan.js';
import { CtxError, isMapping } from './ctx-values.js';

export function renderTemplate(text: string, variables: JsonObject): string {
  return text.replaceAll(/\{#[\s\S]*?#\}|\{%[\s\S]*?%\}|\{\{([\s\S]*?)\}\}/g, (whole, expression) => {
    if (whole.startsWith('{#')) return '';
    if (whole.startsWith('{%')) throw unsupported(whole);
    return printed(evaluate(expression, variables));
  });
}

const PATH = /^([A-Za-z_]\w*)((?:\.[A-Za-z_][\w-]*|\[\d+\]|\['[^']*'\]|\["[^"]*"\])*)$/;
const DEFAULT = /^([\s\S]*?)\|\s*default\(\s*('[^']*'|"[^"]*"|-?\d+(?:\.\d+)?)\s*\)$/;

function evaluate(expression: string, variables: JsonObject): Json | undefined {
  const text = expression.trim();
  const withDefault = DEFAULT.exec(text);
  if (withDefault !== null) {
    const value = evaluate(withDefault[1]!, variables);
    return value === undefined ? withDefault[2]!.replace(/^['"]|['"]$/g, '') : value;
  }
  const path = PATH.exec(text);
  if (path === null) throw unsupported(`{{ ${text} }}`);
  const steps = [
    path[1]!,
    ...[...path[2]!.matchAll(/\.([\w-]+)|\[(\d+)\]|\['([^']*)'\]|\["([^"]*)"\]/g)].map(
      (match) => match[1] ?? match[2] ?? match[3] ?? match[4] ?? '',
    ),
  ];
  let value: Json | undefined = variables;
  for (const step of steps) {
    if (value === undefined || value === null) {
      throw new CtxError('UndefinedError', `nothing has "${step}" in template expression "${text}"`);
    }
    if (Array.isArray(value)) value = value[Number(step)];
    else if (isMapping(value)) value = Object.hasOwn(value, step) ? value[step] : undefined;
    else value = undefined;
  }
  return value;
}

function printed(value: Json | undefined): string {
  if (value === undefined) return '';
  if (typeof value === 'string') return value;
  if (value === null) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  return typeof value === 'number' ? String(value) : JSON.stringify(value);
}

function unsupported(what: string): CtxError {
  return new CtxError('TemplateSyntaxError', `templates do not support ${what.slice(0, 80)}`);
}
