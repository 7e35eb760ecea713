/**
 * Who looks around: a token of the API's own, in this tab and nowhere else.
 *
 * Tokens live for minutes. Whoever wishes so leaves name and password in the memory of this page, and new tokens are asked for by themselves;
 * they are gone with the page, and were never written anywhere.
 */
export interface Credentials {
  readonly username: string;
  readonly password: string;
  readonly domain: string;
  /** A one-time code, where the account has one: such a sign-in cannot be repeated. */
  readonly code: string;
}

interface Held {
  readonly token: string;
  readonly username: string;
}

const KEY = 'orrery.browser.token';
/** A token that ends while a request travels is of no use. */
const SPARE_MS = 5000;

export class Session {
  readonly #root: string;
  #held: Held | null = kept();
  #again: Credentials | null = null;
  #lastName = this.#held?.username ?? '';

  /** @param root with a slash at the end */
  constructor(root: string) {
    this.#root = root;
  }

  get username(): string | null {
    return this.#held?.username ?? null;
  }

  /** Who was signed in last, for the form. */
  get lastName(): string {
    return this.#lastName;
  }

  /** Milliseconds since the epoch; null: the token does not say. */
  get until(): number | null {
    return this.#held === null ? null : claimsOf(this.#held.token).until;
  }

  /** A token to send; null: sign in first. */
  async token(): Promise<string | null> {
    const { until } = this;
    const over = until !== null && until - SPARE_MS < Date.now();
    if (this.#held !== null && !over) return this.#held.token;
    if (this.#again === null) return null;
    return (await this.signIn(this.#again, true)) === null ? (this.#held?.token ?? null) : null;
  }

  /** @returns what went wrong, in words; null: signed in */
  async signIn(credentials: Credentials, again: boolean): Promise<string | null> {
    const { username, password, domain, code } = credentials;
    const answer = await fetch(`${this.#root}api-token-auth/`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({
        username,
        password,
        ...(domain === '' ? {} : { domain }),
        ...(code === '' ? {} : { token: code }),
      }),
    }).catch(() => null);
    if (answer === null) return 'The server did not answer. Is it up?';
    const body = (await answer.json().catch(() => ({}))) as { token?: unknown; detail?: unknown };
    if (typeof body.token !== 'string') {
      return typeof body.detail === 'string' ? body.detail : `The server answered ${answer.status}.`;
    }
    this.#again = again && code === '' ? credentials : null;
    this.#hold({ token: body.token, username });
    return null;
  }

  useToken(token: string): void {
    this.#again = null;
    this.#hold({ token, username: claimsOf(token).username ?? 'token' });
  }

  /** The token was refused. */
  forget(): void {
    this.#held = null;
    try {
      sessionStorage.removeItem(KEY);
    } catch {
      // It was not kept either.
    }
  }

  signOut(): void {
    this.#again = null;
    this.#lastName = '';
    this.forget();
  }

  #hold(held: Held): void {
    this.#held = held;
    this.#lastName = held.username;
    try {
      sessionStorage.setItem(KEY, JSON.stringify(held));
    } catch {
      // Storage is refused: it holds until the page is left.
    }
  }
}

function kept(): Held | null {
  try {
    const held = JSON.parse(sessionStorage.getItem(KEY) ?? 'null') as Partial<Held> | null;
    return typeof held?.token === 'string' && typeof held.username === 'string' ? (held as Held) : null;
  } catch {
    return null;
  }
}

function claimsOf(token: string): { readonly until: number | null; readonly username: string | null } {
  try {
    const [, middle = ''] = token.split('.');
    const text = atob(middle.replaceAll('-', '+').replaceAll('_', '/'));
    const claims = JSON.parse(text) as { exp?: unknown; username?: unknown };
    return {
      until: typeof claims.exp === 'number' ? claims.exp * 1000 : null,
      username: typeof claims.username === 'string' ? claims.username : null,
    };
  } catch {
    return { until: null, username: null };
  }
}
