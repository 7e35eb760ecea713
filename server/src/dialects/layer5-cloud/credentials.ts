/** Credentials (specs: layer5.md §9.2): lists never hold values, their owner may ask for one. */
import Type from 'typebox';
import type { JsonObject } from '../../dsl/plan.js';
import { isUuid } from '../../membership/acting-tenant.js';
import type { CredentialField } from '../../workspaces/credentials.js';
import { absent, badRequest } from './errors.js';
import { type ListingOptions, one, pageOf, readListing, rowsOf } from './listing.js';
import {
  type Call,
  entity,
  Id,
  MaybeTime,
  type Mounting,
  Name,
  Opaque,
  PAGE,
  pageSchema,
  route,
  Text,
  Time,
} from './routes.js';

const CREDENTIAL = entity('Credential', {
  id: Id,
  name: Text,
  userId: Id,
  type: Text,
  secret: Opaque,
  createdAt: Time,
  updatedAt: Time,
  deletedAt: MaybeTime,
});
const LISTING: ListingOptions<CredentialField> = {
  fields: ['id', 'name', 'owner', 'type', 'createdAt', 'updatedAt'],
};
const NewBody = Type.Object({ name: Name, type: Name, secret: Type.Optional(Opaque) });
const ChangeBody = Type.Object({
  id: Type.String(),
  name: Type.Optional(Name),
  type: Type.Optional(Name),
  secret: Type.Optional(Opaque),
});

interface Row {
  readonly owner: string;
  readonly [key: string]: unknown;
}
const credentialOf = ({ owner, ...row }: Row, secret: JsonObject = {}) => ({
  ...row,
  userId: owner,
  secret,
  deletedAt: null,
});

export function addCredentials(mounting: Mounting): void {
  const tag = 'Credentials';
  for (const [root, alias] of [
    ['/api/integrations/credentials', ''],
    ['/api/system/user/credentials', '_legacy'],
  ] as const) {
    route(
      mounting,
      'get',
      root,
      {
        tag,
        name: `credentials_list${alias}`,
        summary: 'List your credentials, without their values',
        query: PAGE,
        answer: pageSchema('CredentialPage', 'credentials', CREDENTIAL),
      },
      async (call) => {
        const listing = readListing(call.query, LISTING);
        const { rows, total } = rowsOf<Row>(await call.core.userCredentials.list(call.caller, listing.query));
        return pageOf('credentials', listing, { rows: rows.map((row) => credentialOf(row)), total });
      },
    );
    route(
      mounting,
      'post',
      root,
      {
        tag,
        name: `credentials_create${alias}`,
        summary: 'Keep a credential',
        body: NewBody,
        status: 201,
        answer: CREDENTIAL,
      },
      async (call) => {
        const { name, type, secret = {} } = call.body;
        return find(
          call,
          await call.core.userCredentials.create(call.caller, { name, type, secret: secret as JsonObject }),
        );
      },
    );
    route(
      mounting,
      'put',
      root,
      {
        tag,
        name: `credentials_update${alias}`,
        summary: 'Change a credential',
        body: ChangeBody,
        answer: CREDENTIAL,
      },
      async (call) => {
        const { id, secret, ...rest } = call.body;
        await call.core.userCredentials.update(call.caller, id, {
          ...rest,
          ...(secret === undefined ? {} : { secret: secret as JsonObject }),
        });
        return find(call, id.toLowerCase());
      },
    );
    route(
      mounting,
      'delete',
      root,
      {
        tag,
        name: `credentials_delete${alias}`,
        summary: 'Delete a credential',
        query: { credentialId: 'Which one' },
        answer: CREDENTIAL,
      },
      async (call) => {
        const body = (call.body ?? {}) as { credentialId?: unknown };
        const id =
          one(call.query, 'credentialId') ?? (typeof body.credentialId === 'string' ? body.credentialId : '');
        if (id === '') throw badRequest('credentialId is missing');
        const found = await find(call, id.toLowerCase());
        await call.core.userCredentials.remove(call.caller, id.toLowerCase());
        return { ...found, deletedAt: new Date() };
      },
    );
  }
  route(
    mounting,
    'get',
    '/api/integrations/credentials/:id',
    { tag, name: 'credentials_get', summary: 'Get a credential of yours with its value', answer: CREDENTIAL },
    async (call) => {
      const id = call.id('id', 'Credential');
      const found = await find(call, id);
      return { ...found, secret: await call.core.userCredentials.secretOf(call.caller, id) };
    },
  );
}

async function find(call: Call, id: string): Promise<Record<string, unknown>> {
  if (!isUuid(id)) throw absent('Credential', id);
  const [row] = rowsOf<Row>(
    await call.core.userCredentials.list(
      call.caller,
      readListing({}, LISTING, [{ field: 'id', anyOf: [id] }]).query,
    ),
  ).rows;
  if (row === undefined) throw absent('Credential', id);
  return credentialOf(row);
}
