/**
 * What is put into workspaces and environments, taken out of them, and listed as in them or not (specs: layer5.md §7): three
 * routes for each pair, from one declaration.
 */
import type { TSchema } from 'typebox';
import { pageOf, readFilter } from './listing.js';
import { type Call, entity, Id, MaybeTime, type Mounting, PAGE, pageSchema, route, Time } from './routes.js';

/** A filter of lists: in it, or not in it. */
export type Within = Inside | { readonly not: Inside };
interface Inside {
  readonly selection: 'workspace' | 'environment';
  readonly values: readonly string[];
}

/** A row between the two, or what stands for one. */
export interface Assigned {
  readonly id: string;
  readonly createdAt: Date;
}

export interface Assignment {
  readonly tag: string;
  readonly holder: 'workspace' | 'environment';
  /** What is put into it, in the plural. */
  readonly items: 'environments' | 'teams' | 'designs' | 'views' | 'connections';
  /** Query parameters of the list beside those of every one. */
  readonly query?: Readonly<Record<string, string>>;
  readonly pageTitle: string;
  readonly item: TSchema;
  /** @throws DomainError or WireError where there is no such holder */
  readonly require: (call: Call, holder: string) => Promise<unknown>;
  readonly list: (call: Call, within: Within) => Promise<unknown>;
  /** @param thing as the path names it, in lower case: nobody has looked whether it is a UUID */
  readonly put: (call: Call, holder: string, thing: string) => Promise<Assigned>;
  readonly take: (call: Call, holder: string, thing: string) => Promise<void>;
}

export function addAssignment(mounting: Mounting, assignment: Assignment): void {
  const { tag, holder, items } = assignment;
  const holders = `${holder}s`;
  const thing = items.slice(0, -1);
  const [Holder, Thing] = [capital(holder), capital(thing)];
  const a = holder === 'environment' ? 'an environment' : 'a workspace';
  const root = `/api/${holders}/:id/${items}`;
  const parameter = `${thing}Id`;
  const mapping = `${holders}${capital(items)}Mapping`;
  route(
    mounting,
    'get',
    root,
    {
      tag,
      name: `${holders}_${items}`,
      summary: `List the ${items} of ${a}`,
      query: {
        ...PAGE,
        filter: 'JSON: `{"assigned":false}` for those of the organization that are not in it',
        ...assignment.query,
      },
      answer: pageSchema(assignment.pageTitle, items, assignment.item),
    },
    async (call) => {
      const id = call.id('id', Holder);
      await assignment.require(call, id);
      const inside = { selection: holder, values: [id] };
      return assignment.list(call, readFilter(call.query).assigned === false ? { not: inside } : inside);
    },
  );
  const row = entity(`${Holder}${Thing}`, {
    id: Id,
    [`${holder}Id`]: Id,
    [parameter]: Id,
    createdAt: Time,
    updatedAt: Time,
    deletedAt: MaybeTime,
  });
  route(
    mounting,
    'post',
    `${root}/:${parameter}`,
    {
      tag,
      name: `${holders}_${items}_assign`,
      summary: `Put one of the ${items} into ${a}`,
      answer: pageSchema(`${Holder}${Thing}Mapping`, mapping, row),
    },
    async (call) => {
      const id = call.id('id', Holder);
      const thingId = call.param(parameter).toLowerCase();
      const { id: assigned, createdAt } = await assignment.put(call, id, thingId);
      const told = { [`${holder}Id`]: id, [parameter]: thingId, createdAt, updatedAt: createdAt };
      const rows = [{ id: assigned, ...told, deletedAt: null }];
      return pageOf(mapping, { page: 0, size: 1 }, { rows, total: 1 });
    },
  );
  route(
    mounting,
    'delete',
    `${root}/:${parameter}`,
    { tag, name: `${holders}_${items}_unassign`, summary: `Take one of the ${items} out of ${a}` },
    async (call) => {
      await assignment.take(call, call.id('id', Holder), call.id(parameter, Thing));
      return undefined;
    },
  );
}

function capital(word: string): string {
  return word[0]!.toUpperCase() + word.slice(1);
}
