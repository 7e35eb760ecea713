/** What checks left among an instance's system properties, read. */
import type { Json, JsonObject } from '../../dsl/plan.js';
import type { Finding, InstanceHealth } from './staged.js';
import { DRIFT, SOURCE_DRIFT, STATUS, TARGET_DRIFT } from './workflows/check.js';

export function healthOf(properties: JsonObject): InstanceHealth {
  return {
    status: finding(properties[STATUS]),
    drift: finding(properties[DRIFT]),
    driftedTo: drifted(properties[SOURCE_DRIFT]),
    driftedFrom: drifted(properties[TARGET_DRIFT]),
  };
}

function drifted(byNeighbour: Json | undefined): Set<string> {
  const ids = Object.entries(dictionary(byNeighbour)).flatMap(([id, value]) => {
    const found = finding(value);
    return found === null || (found.ok && found.empty) ? [] : [id];
  });
  return new Set(ids);
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
