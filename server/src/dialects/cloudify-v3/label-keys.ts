/** Which labels are in use: their keys, and the values of one key. Items are texts. */
import type { FastifyRequest } from 'fastify';
import Type, { type Static } from 'typebox';
import type { Labelled } from '../../orchestration/labels-in-use.js';
import { sendText } from './answer.js';
import { callerOf } from './auth.js';
import { describe, Switch } from './described.js';
import { ListOf, Text } from './fields.js';
import { booleanParam, countParam, type Params } from './lenient.js';
import { envelope, MOST_ROWS } from './listing.js';
import type { Mounting } from './mounting.js';

const KeyParams = Type.Object({ key: Type.String({ description: 'Key of a label' }) });
const PAGE = {
  _size: Type.Optional(Type.Integer({ minimum: 0 })),
  _offset: Type.Optional(Type.Integer({ minimum: 0 })),
  _get_all_results: Switch('Everything at once, whatever `_size` says'),
};
const Keys = ListOf(Text);

export function addLabelKeys(mounting: Mounting): void {
  addKeysOf(mounting, 'blueprints');
  addKeysOf(mounting, 'deployments');
}

function addKeysOf({ scope, core }: Mounting, of: Labelled): void {
  scope.get(
    `/labels/${of}`,
    {
      schema: describe('Labels', `${of}_keys`, `List the keys of the labels of ${of}`, {
        querystring: Type.Object({ _reserved: Switch('The keys that the system gives a meaning'), ...PAGE }),
        response: { 200: Keys },
      }),
    },
    async (request: FastifyRequest<{ Querystring: Params }>, reply) => {
      const caller = callerOf(request);
      const reserved = booleanParam(request.query, '_reserved', false);
      const keys = reserved ? core.labelsInUse.reserved(caller, of) : await core.labelsInUse.keys(caller, of);
      return sendText(reply, 200, pageOf(request.query, keys));
    },
  );

  scope.get<{ Params: Static<typeof KeyParams>; Querystring: Params }>(
    `/labels/${of}/:key`,
    {
      schema: describe('Labels', `${of}_values`, `List the values of a label of ${of}`, {
        params: KeyParams,
        querystring: Type.Object(PAGE),
        response: { 200: Keys },
      }),
    },
    async (request, reply) => {
      const values = await core.labelsInUse.values(callerOf(request), of, request.params.key);
      return sendText(reply, 200, pageOf(request.query, values));
    },
  );
}

function pageOf(params: Params, all: readonly string[]): string {
  const offset = countParam(params, '_offset', 0, Number.MAX_SAFE_INTEGER);
  const size = booleanParam(params, '_get_all_results', false)
    ? MOST_ROWS
    : countParam(params, '_size', 1000, MOST_ROWS);
  return envelope({ offset, size }, JSON.stringify(all.slice(offset, offset + size)), all.length);
}
