/** What checks left among an instance's system properties, read. */
import type { Json, JsonObject } from '../../dsl/plan.js';
import type { Finding, InstanceHealth } from './staged.js';
import { DRIFT, SOURCE_DRIFT, STATUS, TARGET_DRIFT } from './workflows/check.js';

export function healthOf(properties: JsonObject): InstanceHealth {
  const links = [SOURCE_DRIFT, TARGET_DRIFT].flatMap((name) => Object.values(dictionary(properties[name])));
  return {
    status: finding(properties[STATUS]),
    drift: finding(properties[DRIFT]),
    linksDrifted: links.map(finding).some((found) => found !== null && !(found.ok && found.empty)),
  };
}

function finding(value: Json | undefined): Finding | null {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null;
  const { ok, task, result } = value;
  return { ok: ok === true, task: typeof task === 'string' ? task : null, empty: isEmpty(result ?? null) };
}

function dictionary(value: Json | undefined): JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {};
}

/** What Python calls false. */
function isEmpty(result: Json): boolean {
  if (Array.isArray(result)) return result.length === 0;
  if (typeof result === 'object' && result !== null) return Object.keys(result).length === 0;
  return !result;
}
