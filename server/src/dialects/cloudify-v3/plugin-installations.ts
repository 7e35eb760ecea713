/** Where plugins are installed: asked for, and reported by those who install them. */
import Type, { type Static } from 'typebox';
import type { Caller } from '../../caller.js';
import type { Installation, InstallationState } from '../../catalog/plugins.js';
import { sendText } from './answer.js';
import { callerOf } from './auth.js';
import { describe } from './described.js';
import { badParameters, CloudifyError } from './errors.js';
import { type IdParams, MaybeText, Names, Text } from './fields.js';
import type { Params } from './lenient.js';
import type { Mounting } from './mounting.js';

const STATES: readonly InstallationState[] = [
  'pending-install',
  'installing',
  'installed',
  'error',
  'pending-uninstall',
  'uninstalling',
  'uninstalled',
];

export const InstallationStates = Type.Array(
  Type.Object(
    { manager: Type.Optional(Text), agent: Type.Optional(Text), state: Text, error: MaybeText },
    { title: 'PluginInstallation' },
  ),
);

type StoredInstallation = Pick<Installation, 'place' | 'name' | 'state'> & { readonly error: string | null };

export function wireInstallations(stored: unknown): unknown {
  return (stored as readonly StoredInstallation[]).map(({ place, name, state, error }) => ({
    [place]: name,
    state,
    error,
  }));
}

const Order = Type.Object(
  {
    action: Type.String({ description: 'install' }),
    managers: Type.Optional(Names),
    agents: Type.Optional(Names),
  },
  { title: 'PluginAction' },
);
const Report = Type.Object(
  {
    state: Type.String({ description: STATES.join(', ') }),
    manager: Type.Optional(Type.String()),
    manager_name: Type.Optional(Type.String()),
    agent: Type.Optional(Type.String()),
    agent_name: Type.Optional(Type.String()),
    error: Type.Optional(Type.String()),
  },
  { title: 'PluginReport' },
);

interface Answering {
  readonly one: { readonly params: typeof IdParams } & Pick<
    Parameters<typeof describe>[3],
    'querystring' | 'response'
  >;
  readonly read: (caller: Caller, params: Params, id: string) => Promise<string>;
}

export function addPluginInstallations({ scope, core }: Mounting, { one, read }: Answering): void {
  scope.post<{ Params: Static<typeof IdParams>; Body: Static<typeof Order>; Querystring: Params }>(
    '/plugins/:id',
    {
      schema: describe('Plugins', 'install', 'Ask for a plugin to be installed before it is needed', {
        description:
          'Without `managers` and `agents`: on the machine that answers. What is asked for shows as `pending-install` until a worker has seen to it.',
        body: Order,
        ...one,
      }),
    },
    async (request, reply) => {
      const caller = callerOf(request);
      const { id } = request.params;
      const { action, managers, agents } = request.body;
      if (action !== 'install') {
        throw new CloudifyError(400, 'unknown_action', `Unknown action: ${action}, valid action: install`);
      }
      await core.plugins.requestInstallation(caller, id, {
        ...(managers === undefined ? {} : { managers }),
        ...(agents === undefined ? {} : { agents }),
      });
      return sendText(reply, 200, await read(caller, request.query, id));
    },
  );

  scope.put<{ Params: Static<typeof IdParams>; Body: Static<typeof Report>; Querystring: Params }>(
    '/plugins/:id',
    {
      schema: describe('Plugins', 'report', 'Report where a plugin is installed', { body: Report, ...one }),
    },
    async (request, reply) => {
      const caller = callerOf(request);
      const { id } = request.params;
      await core.plugins.setInstallations(caller, id, [readReport(request.body)]);
      return sendText(reply, 200, await read(caller, request.query, id));
    },
  );
}

function readReport(body: Static<typeof Report>): Installation {
  const manager = body.manager ?? body.manager_name;
  const agent = body.agent ?? body.agent_name;
  if ((manager === undefined) === (agent === undefined)) {
    throw new CloudifyError(409, 'conflict_error', 'Expected exactly one of `agent` and `manager`');
  }
  const state = STATES.find((one) => one === body.state);
  if (state === undefined) {
    throw badParameters(`Invalid value for state: "${body.state}" is none of ${STATES.join(', ')}`);
  }
  const name = checkName((manager ?? agent)!);
  return {
    place: manager === undefined ? 'agent' : 'manager',
    name,
    state,
    ...(body.error === undefined ? {} : { error: body.error }),
  };
}

function checkName(name: string): string {
  if (name.length === 0 || name.length > 256) {
    throw badParameters('The name of a manager or agent must have between 1 and 256 characters');
  }
  return name;
}
