/** Settings of signing in. `config.ts` reads them with the others. */
import { list, type Setting, toggle, whole } from './setting.js';

export const SIGN_IN_SETTINGS = {
  loginThrottle: toggle(
    'ORRERY_LOGIN_THROTTLE',
    true,
    'failed logins lock an account for a while; off is for test benches',
  ),
  loginFailures: whole(
    'ORRERY_LOGIN_FAILURES',
    5,
    1,
    1000,
    'so many wrong passwords or codes in a row, within ORRERY_LOGIN_FAILURE_MINUTES, lock the account',
  ),
  loginFailureMinutes: whole(
    'ORRERY_LOGIN_FAILURE_MINUTES',
    15,
    1,
    525_600,
    'failures further apart do not add up to a lock',
  ),
  loginLockMinutes: whole(
    'ORRERY_LOGIN_LOCK_MINUTES',
    15,
    0,
    525_600,
    'how long passwords of a locked account are refused; 0: until an administrator unlocks it',
  ),
  loginFailuresPerAddress: whole(
    'ORRERY_LOGIN_FAILURES_PER_ADDRESS',
    0,
    0,
    1_000_000,
    'failed logins that one address may cause in a minute in each process, over all accounts; 0: any number, since many people may share one',
  ),
  signInSources: list(
    'ORRERY_SIGN_IN_SOURCES',
    /^https?:\/\/[^\s/?#@,]+$/,
    'http://host:port or https://host, separated by commas',
    'servers that get a token of whoever signs in on their behalf, without asking them; empty: everybody is asked',
  ),
  tokenHours: whole(
    'ORRERY_TOKEN_HOURS',
    10,
    1,
    87_600,
    'how long a token is good unless it says itself, as Cloudify',
  ),
} as const;

type SignInSettings = {
  readonly [Name in keyof typeof SIGN_IN_SETTINGS]: (typeof SIGN_IN_SETTINGS)[Name] extends Setting<
    infer Value
  >
    ? Value
    : never;
};

/** What the settings say of failed sign-ins, as `identity/credentials.ts` takes it. */
export function failureRules(settings: SignInSettings) {
  return {
    throttle: settings.loginThrottle ? 'on' : 'off',
    failures: settings.loginFailures,
    failureMinutes: settings.loginFailureMinutes,
    lockMinutes: settings.loginLockMinutes,
    failuresPerAddress: settings.loginFailuresPerAddress,
  } as const;
}
