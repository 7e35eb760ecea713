/** The picture of a blueprint: one of its files, which clients fetch as `/resources/blueprints/TENANT/ID/icon.png`. */
import type { Readable } from 'node:stream';
import type { FastifyRequest } from 'fastify';
import type { Static, TSchema } from 'typebox';
import type { Caller } from '../../caller.js';
import { sendText } from './answer.js';
import { takeWhole } from './archive-upload.js';
import { callerOf } from './auth.js';
import { readAll } from './body.js';
import { Bytes, describe, itemQuery } from './described.js';
import { badParameters } from './errors.js';
import { IdParams } from './fields.js';
import type { Params } from './lenient.js';
import type { Mounting } from './mounting.js';

const MOST_BYTES = 1_048_576;
const PNG = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);

/** @param read tells the blueprint as `GET /blueprints/ID` does */
export function addBlueprintIcon(
  { scope, core }: Mounting,
  schema: TSchema,
  read: (caller: Caller, params: Params, id: string) => Promise<string>,
): void {
  scope.patch(
    '/blueprints/:id/icon',
    {
      schema: describe('Blueprints', 'set_icon', 'Give a blueprint an icon, or take it away', {
        description: `The body is a PNG image of at most ${MOST_BYTES} bytes, whatever it is called; without one the icon is removed. It is told as the file \`icon.png\` of the blueprint.`,
        params: IdParams,
        querystring: itemQuery(),
        uploads: { 'image/png': Bytes },
        response: { 200: schema },
      }),
      config: { cloudifyBody: 'raw' },
    },
    async (request: FastifyRequest<{ Params: Static<typeof IdParams>; Querystring: Params }>, reply) => {
      const caller = callerOf(request);
      const { id } = request.params;
      const sent = request.body as Readable | null | undefined;
      const icon =
        sent === undefined || sent === null
          ? Buffer.alloc(0)
          : await takeWhole(sent, () => readAll(sent.iterator({ destroyOnReturn: false }), MOST_BYTES));
      if (icon.length > 0 && !icon.subarray(0, PNG.length).equals(PNG)) {
        throw badParameters('The icon must be a PNG image');
      }
      await core.blueprints.setIcon(caller, id, icon.length === 0 ? null : icon);
      return sendText(reply, 200, await read(caller, request.query, id));
    },
  );
}
