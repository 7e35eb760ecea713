/** Properties of a node or relationship, against the schemas of its type. */
import { PRIMITIVE_TYPES } from '../../functions/primitives.js';
import { isFunction } from '../../functions/table.js';
import { own } from '../../json.js';
import type { InputDefinition, JsonObject } from '../../plan.js';
import { type Checked, completeValue, type DataTypes } from '../../values.js';
import { CODE, type Report } from '../report.js';
import type { Place } from '../source.js';

const EXTERNAL = 'use_external_resource';

/** The schemas of one type. What every node of the type shares, such as completed defaults, is worked out once. */
export class PropertyTable {
  private readonly names: readonly string[];
  private readonly defaults = new Map<string, Checked | undefined>();
  /** Of external resources, which may lack what is required. */
  private readonly waivedDefaults = new Map<string, Checked | undefined>();

  constructor(
    readonly schemas: Readonly<Record<string, InputDefinition>>,
    private readonly dataTypes: DataTypes,
  ) {
    this.names = Object.keys(schemas);
  }

  has(name: string): boolean {
    return Object.hasOwn(this.schemas, name);
  }

  /**
   * The properties a template ends up with: its own values checked and completed, defaults for the rest.
   *
   * Reports unknown ones (106), missing ones (107; waived for external resources) and wrong types (105).
   */
  fill(given: JsonObject, owner: string, place: Place, report: Report): JsonObject {
    for (const name in given) {
      if (this.has(name)) continue;
      const known = this.names.join(', ');
      report.error(
        place.at(name),
        CODE.unknownProperty,
        `'${owner}' has a property '${name}' that is not in its type's schema${report.meant(name, this.names)}`,
        `known: ${known}`,
      );
    }
    const external = own(given, EXTERNAL) ?? own(this.schemas as unknown as JsonObject, EXTERNAL);
    const waived = this.isWaived(given, owner, place, report, external);
    const filled: JsonObject = {};
    for (const name of this.names) {
      const schema = this.schemas[name]!;
      if (Object.hasOwn(given, name)) {
        const checked = this.isUnknownType(schema)
          ? { value: given[name]! }
          : completeValue(given[name], schema, name, this.dataTypes, { partial: waived });
        if (checked === undefined) continue;
        if ('message' in checked) this.report(checked, owner, name, place, report);
        else filled[name] = checked.value;
        continue;
      }
      const fallback = this.defaultOf(name, schema, waived);
      if (fallback === undefined) continue;
      if (!('message' in fallback)) filled[name] = fallback.value;
      else if (fallback.kind === 'missing') {
        const within = fallback.path === name ? name : `${name}' ('${fallback.path}`;
        report.error(
          place,
          CODE.missingValue,
          `'${owner}' does not provide a value for the mandatory property '${within}'${within === name ? '' : ')'}`,
        );
      } else if (schema.default !== undefined) filled[name] = schema.default;
    }
    return filled;
  }

  schemasAsJson(): JsonObject {
    return this.schemas as unknown as JsonObject;
  }

  /** Told once, where the type says so. */
  private isUnknownType({ type }: InputDefinition): boolean {
    return type !== undefined && !PRIMITIVE_TYPES.has(type) && this.dataTypes.get(type) === undefined;
  }

  private isWaived(given: JsonObject, owner: string, place: Place, report: Report, any: unknown): boolean {
    if (any === undefined) return false;
    const value = Object.hasOwn(given, EXTERNAL) ? given[EXTERNAL]! : this.schemas[EXTERNAL]?.default;
    if (isFunction(value)) {
      report.error(
        place.at(EXTERNAL),
        CODE.functionNotAllowed,
        `'${EXTERNAL}' of '${owner}' must be true or false, not a function`,
      );
    }
    return value === true;
  }

  private defaultOf(name: string, schema: InputDefinition, waived: boolean): Checked | undefined {
    const defaults = waived ? this.waivedDefaults : this.defaults;
    if (defaults.has(name)) return defaults.get(name);
    const checked = completeValue(undefined, schema, name, this.dataTypes, { partial: waived });
    defaults.set(name, checked);
    return checked;
  }

  private report(
    problem: { kind: string; path: string; message: string },
    owner: string,
    name: string,
    place: Place,
    report: Report,
  ): void {
    const code =
      problem.kind === 'unknown'
        ? CODE.unknownProperty
        : problem.kind === 'missing'
          ? CODE.missingValue
          : CODE.valueType;
    report.error(
      place.at(name),
      code,
      `Property type validation failed in '${owner}': property ${problem.message}`,
    );
  }
}
