/** How many instances: `instances.deploy`, the `scalable` capability, and the properties of scaling policies. */
import { isFunction } from '../../functions/table.js';
import { isObject } from '../../json.js';
import type { Json, JsonObject, Scaling } from '../../plan.js';
import { CODE, type Report } from '../report.js';
import { anything, record, type Shape } from '../shape.js';
import type { Place } from '../source.js';

export const scalableProperties: Shape = record({
  default_instances: { shape: anything },
  min_instances: { shape: anything },
  max_instances: { shape: anything },
});
export const instancesShape: Shape = record({ deploy: { shape: anything } });
export const nodeCapabilitiesShape: Shape = record({
  scalable: { shape: record({ properties: { shape: scalableProperties } }) },
});

export const ONE: Scaling = { default: 1, min: 0, max: -1 };

export function readNodeScaling(template: JsonObject, name: string, place: Place, report: Report): Scaling {
  const instances = template.instances;
  const capabilities = template.capabilities;
  const hasDeploy = isObject(instances) && instances.deploy !== undefined && instances.deploy !== null;
  const scalable = isObject(capabilities) ? capabilities.scalable : undefined;
  if (!hasDeploy && scalable === undefined) return ONE;
  if (hasDeploy && scalable !== undefined) {
    report.error(
      place.at('instances'),
      CODE.scalingTwice,
      `'${name}' has both 'instances.deploy' and 'capabilities.scalable': only one may be given`,
    );
  }
  if (hasDeploy) {
    const deploy = countOf(
      (instances as JsonObject).deploy!,
      'instances.deploy',
      place.at('instances', 'deploy'),
      report,
      0,
    );
    return { ...ONE, default: deploy };
  }
  const properties = isObject(scalable) && isObject(scalable.properties) ? scalable.properties : {};
  return readScaling(properties, place.at('capabilities', 'scalable', 'properties'), report);
}

/** Numbers, or functions that will become some. Out of order: 207; not counts: 208 and 210. */
export function readScaling(properties: JsonObject, place: Place, report: Report): Scaling {
  const read = (key: string, fallback: number, least: number) => {
    const value = properties[key];
    return value === undefined || value === null
      ? fallback
      : countOf(value, key, place.at(key), report, least);
  };
  const scaling = {
    default: read('default_instances', 1, 0),
    min: read('min_instances', 0, 0),
    max: read('max_instances', -1, 1),
  };
  const problem = scalingProblem(scaling);
  if (problem !== null) report.error(place, CODE.scalingBounds, problem);
  return scaling;
}

/** What is wrong between the three; null while one of them is a function. */
export function scalingProblem({ default: initial, min, max }: Scaling): string | null {
  if (typeof initial !== 'number' || typeof min !== 'number' || typeof max !== 'number') return null;
  if (initial < min) return `default_instances (${initial}) is less than min_instances (${min})`;
  if (max === -1) return null;
  if (min > max) return `min_instances (${min}) is greater than max_instances (${max})`;
  return initial > max ? `default_instances (${initial}) is greater than max_instances (${max})` : null;
}

/** Most instances of one node: a slip of the finger must not ask for a billion. */
export const MOST_INSTANCES = 100_000;

/** A count as a number, or null when it is none. Texts of digits count; `UNBOUNDED` is -1 where `key` allows it. */
export function asCount(value: Json, key: string, least: number): number | null {
  const unbounded = key === 'max_instances' && (value === 'UNBOUNDED' || value === -1 || value === '-1');
  if (unbounded) return -1;
  const count = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value;
  return typeof count === 'number' && Number.isInteger(count) && count >= least && count <= MOST_INSTANCES
    ? count
    : null;
}

function countOf(value: Json, key: string, place: Place, report: Report, least: number): Json {
  if (isFunction(value)) return value;
  const count = asCount(value, key, least);
  if (count !== null) return count;
  const code =
    typeof value === 'string' ? CODE.scalingText : isObject(value) ? CODE.scalingValue : CODE.scalingBounds;
  const unbounded = key === 'max_instances' ? ', or UNBOUNDED' : '';
  report.error(place, code, `'${key}' must be an integer from ${least} to ${MOST_INSTANCES}${unbounded}`);
  return least;
}
