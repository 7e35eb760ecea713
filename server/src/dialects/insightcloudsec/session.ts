/** Logging in and out, and who one is (specs: insightcloudsec.md §6.1). */
import { Type } from 'typebox';
import { DomainError } from '../../errors.js';
import { typeOf, visitorOf } from './door.js';
import { add, EVERYBODY } from './endpoint.js';
import { invalidInput } from './errors.js';
import { Flag, Int, Ok, Text } from './fields.js';
import type { Mounting } from './mounting.js';
import { toldUser, User } from './user-record.js';

const Login = Type.Object(
  {
    username: Type.String({ maxLength: 320 }),
    password: Type.String({ maxLength: 1024 }),
    otp: Type.Optional(
      Type.Union([Type.String({ maxLength: 20 }), Type.Integer()], {
        description: 'Where the user has a second factor',
      }),
    ),
  },
  { title: 'Login' },
);

const LoggedIn = Type.Object(
  {
    session_id: Type.String({ description: 'Send it as X-Auth-Token' }),
    user_id: Int,
    user_name: Text,
    user_email: Text,
    session_timeout: Type.Integer({ description: 'Minutes without a request after which it ends' }),
    customer_id: Text,
    auth_plugin_exists: Flag,
    domain_admin: Flag,
    domain_viewer: Flag,
    system_admin: Flag,
    require_pw_reset: Flag,
  },
  { title: 'LoggedIn' },
);

const NewPassword = Type.Object(
  { current_password: Type.String({ maxLength: 1024 }), new_password: Type.String({ maxLength: 1024 }) },
  { title: 'PasswordChange' },
);

export function addSession(mounting: Mounting): void {
  add(mounting, {
    methods: ['POST'],
    path: '/v2/public/user/login',
    name: 'session_login',
    tag: 'Session',
    summary: 'Log in with a password',
    description: 'Each login makes a session of its own.',
    body: Login,
    answer: LoggedIn,
    async handle({ core, request, body }) {
      const { username, password, otp } = body;
      const code = otp === undefined || otp === '' ? null : String(otp).padStart(6, '0');
      const who = await core.signIn.withPassword({
        identifier: username,
        password,
        code,
        address: request.ip,
        tenant: { home: true },
      });
      const session = await core.sessions.begin(who, 'login', request.id);
      const caller = await core.callers.callerFor(who, { home: true }, request.id);
      const profile = await core.profiles.own(caller);
      const type = typeOf(who);
      return {
        session_id: session.value,
        user_id: who.userId,
        user_name: who.username,
        user_email: profile.email ?? '',
        session_timeout: core.sessions.settings.idleMinutes,
        customer_id: caller.tenant?.uuid ?? '',
        auth_plugin_exists: profile.authority !== null,
        domain_admin: type === 'domain-admin',
        domain_viewer: type === 'domain-viewer',
        system_admin: type === 'domain-admin',
        require_pw_reset: profile.passwordResetRequired,
      };
    },
  });

  add(mounting, {
    methods: ['POST'],
    path: '/v2/public/user/logout',
    name: 'session_logout',
    tag: 'Session',
    summary: 'End this session',
    description: 'Other sessions of the user stay; with an API key nothing happens.',
    may: EVERYBODY,
    answer: Ok,
    async handle({ core, request }) {
      await core.sessions.end(visitorOf(request).identity, request.id);
    },
  });

  add(mounting, {
    methods: ['GET'],
    path: '/v2/public/user/info',
    name: 'session_get_user',
    tag: 'Session',
    summary: 'Tell who one is',
    may: EVERYBODY,
    answer: User,
    async handle(call) {
      const profile = await call.core.profiles.own(call.caller);
      return { ...(await toldUser(call, profile)), auth_plugin_exists: profile.authority !== null };
    },
  });

  add(mounting, {
    methods: ['POST'],
    path: '/v2/public/user/password/change',
    name: 'session_change_password',
    tag: 'Session',
    summary: 'Choose another password for oneself',
    description: 'Ends the other sessions, and the need for a reset.',
    may: EVERYBODY,
    body: NewPassword,
    answer: Ok,
    async handle({ core, caller, request, body }) {
      const { identity } = visitorOf(request);
      await core.credentials
        .verifyPassword(caller.username, body.current_password, request.ip)
        .catch((error: unknown) => {
          if (!(error instanceof DomainError) || error.kind !== 'unauthenticated') throw error;
          // The password was right; the session was begun with the code.
          if (error.reason === 'second-factor-missing') return;
          throw invalidInput('current_password', 'current_password is not the password of this user');
        });
      await core.people.changeOwnPassword(caller, body.new_password, identity.tokenId ?? null);
    },
  });
}
