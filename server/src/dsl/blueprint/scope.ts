/** What the functions of a blueprint may speak of, in each place where they may stand. */
import type { Found, Lookup } from '../functions.js';
import type { InputDefinition, Json, JsonObject, PlanNode } from '../plan.js';

/** Names known while a blueprint is compiled, and values once inputs are given. */
export interface Known {
  readonly inputs: Readonly<Record<string, InputDefinition>>;
  /** Null while compiling: inputs exist, but have no value yet. */
  readonly values: JsonObject | null;
  readonly nodes: { get(name: string): Pick<PlanNode, 'properties'> | undefined };
  /** A node, or what the author gave for a property of it, that is written but wrong: that has been told already. */
  readonly isBroken?: (node: string, property?: string) => boolean;
  /** `tenant name`, `deployment id`, …: null while compiling. */
  readonly sys: ((entity: string, property: string) => Json | undefined) | null;
  /** A suggestion to be put behind the message that there is no such thing. */
  readonly meant?: (name: string, kind: 'input' | 'node') => string;
}

/** Where a value stands. A node of null: some node, not known which (a type's operation). */
export type Scope =
  | { readonly kind: 'node'; readonly node: string | null }
  | { readonly kind: 'relationship'; readonly source: string | null; readonly target: string | null }
  | { readonly kind: 'deployment' };

/** Says `later` to all that only a run can know, and notes whether the value depends on the node it stands in. */
export class ScopeLookup implements Lookup {
  /** A property of `SELF`, `SOURCE` or `TARGET` was asked for. */
  askedKeyword = false;

  constructor(
    private readonly known: Known,
    private readonly scope: Scope,
    /** Where the value stands, for messages. */
    private readonly where: string,
  ) {}

  input(name: string): Found {
    const { inputs, values } = this.known;
    if (!Object.hasOwn(inputs, name))
      return { error: `Unknown input '${name}'${this.known.meant?.(name, 'input') ?? ''}` };
    if (values === null) return LATER;
    return Object.hasOwn(values, name) ? { value: values[name]! } : undefined;
  }

  property(name: string, property: string): Found {
    const node = this.nodeOf(name, 'get_property');
    if (typeof node === 'object') return node;
    if (node === SOME) {
      this.askedKeyword = true;
      return LATER;
    }
    if (isKeyword(name)) this.askedKeyword = true;
    const found = this.known.nodes.get(node);
    if (found !== undefined && Object.hasOwn(found.properties, property))
      return { value: found.properties[property]! };
    if (this.known.isBroken?.(node, property) === true) return LATER;
    if (found === undefined)
      return {
        error: `get_property in ${this.where} references the unknown node template '${node}'${this.known.meant?.(node, 'node') ?? ''}`,
      };
    return {
      error: `Node template property '${node}.properties.${property}' referenced from '${this.where}' doesn't exist`,
    };
  }

  attribute(name: string): Found {
    return this.someNode(name, 'get_attribute');
  }

  attributes(name: string): { error: string } | { later: true } {
    return this.someNode(name, 'get_attributes_list');
  }

  secret(): Found {
    return LATER;
  }

  capability(): Found {
    return LATER;
  }

  environmentCapability(): Found {
    return LATER;
  }

  groupCapability(): { later: true } {
    return LATER;
  }

  label(): Found {
    return LATER;
  }

  consumers(): Found {
    return LATER;
  }

  sys(entity: string, property: string): Found {
    const value = this.known.sys?.(entity, property);
    return value === undefined ? LATER : { value };
  }

  private someNode(name: string, fn: string): { error: string } | { later: true } {
    const node = this.nodeOf(name, fn);
    if (typeof node === 'object') return node;
    if (node === SOME || this.known.nodes.get(node) !== undefined) return LATER;
    if (this.known.isBroken?.(node) === true) return LATER;
    return {
      error: `${fn} in ${this.where} references the unknown node template '${node}'${this.known.meant?.(node, 'node') ?? ''}`,
    };
  }

  private nodeOf(name: string, fn: string): string | typeof SOME | { error: string } {
    if (!isKeyword(name)) return name;
    const { scope } = this;
    if (scope.kind === 'node' && name === 'SELF') return scope.node ?? SOME;
    if (scope.kind === 'relationship' && name === 'SOURCE') return scope.source ?? SOME;
    if (scope.kind === 'relationship' && name === 'TARGET') return scope.target ?? SOME;
    return { error: `${name} cannot be used with ${fn} function in ${this.where}` };
  }
}

const SOME: unique symbol = Symbol('some node');
const LATER = { later: true } as const;

function isKeyword(name: string): boolean {
  return name === 'SELF' || name === 'SOURCE' || name === 'TARGET';
}
