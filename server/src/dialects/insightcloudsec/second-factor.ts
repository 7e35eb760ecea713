/** One-time codes beside the password (specs: insightcloudsec.md §6.1). */
import { Type } from 'typebox';
import { add, EVERYBODY } from './endpoint.js';
import { Flag, Id, Text } from './fields.js';
import type { Mounting } from './mounting.js';
import { userNamed } from './user-record.js';

const MaybeUser = Type.Object(
  { user_id: Type.Optional(Type.Union([Id], { description: 'Absent: oneself' })) },
  { title: 'MaybeOfUser' },
);

export function addSecondFactor(mounting: Mounting): void {
  add(mounting, {
    methods: ['POST'],
    path: '/v2/public/user/tfa_state',
    name: 'factor_get',
    tag: 'Second factor',
    summary: 'Tell whether a user has, or must have, a second factor',
    description: 'Of others: for those who manage them.',
    may: EVERYBODY,
    body: MaybeUser,
    answer: Type.Object({ enabled: Flag, required: Flag }, { title: 'SecondFactor' }),
    async handle(call) {
      return call.core.secondFactors.state(call.caller, { id: await idOf(call) });
    },
  });

  add(mounting, {
    methods: ['POST'],
    path: '/v2/public/user/tfa_enable',
    name: 'factor_enable',
    tag: 'Second factor',
    summary: 'Give oneself a second factor',
    description: 'The secret, in Base32, is told once; logging in needs a code from now on.',
    may: EVERYBODY,
    answer: Type.Object({ otp_secret: Text }, { title: 'SecondFactorSecret' }),
    async handle({ core, caller }) {
      return { otp_secret: (await core.secondFactors.enable(caller, { confirmed: true })).secret };
    },
  });

  add(mounting, {
    methods: ['POST'],
    path: '/v2/public/user/tfa_disable',
    name: 'factor_disable',
    tag: 'Second factor',
    summary: 'Take the second factor away, from oneself or from a user one manages',
    may: EVERYBODY,
    body: MaybeUser,
    answer: Type.Object({ success: Flag }),
    async handle(call) {
      await call.core.secondFactors.disable(call.caller, { id: await idOf(call) });
      return { success: true };
    },
  });
}

async function idOf(
  call: Parameters<typeof userNamed>[0] & { readonly body: { user_id?: unknown } },
): Promise<number> {
  const { user_id: given } = call.body;
  if (given === undefined || given === '' || given === 0) return call.caller.userId;
  return (await userNamed(call, given)).id;
}
