/** Settings of signing in. `config.ts` reads them with the others. */
import { list, toggle, whole } from './setting.js';

export const SIGN_IN_SETTINGS = {
  loginThrottle: toggle(
    'ORRERY_LOGIN_THROTTLE',
    true,
    'failed logins slow an account and an address down; off is for test benches',
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
