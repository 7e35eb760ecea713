/**
 * Providers (OpenID Connect): signing in at somebody else's page, with the authorization code flow, PKCE, state and nonce.
 *
 * What must be remembered between leaving and coming back travels with the browser as a ticket, encrypted under a key that is
 * derived from the master key, for ten minutes: any process may be the one that they come back to. People are known by the provider's `sub`
 * and never by an e-mail address, which a provider may give to whoever asks.
 */
import { hkdfSync } from 'node:crypto';
import { EncryptJWT, jwtDecrypt } from 'jose';
import {
  AuthorizationResponseError,
  allowInsecureRequests,
  authorizationCodeGrant,
  buildAuthorizationUrl,
  type Configuration,
  calculatePKCECodeChallenge,
  discovery,
  fetchUserInfo,
  randomNonce,
  randomPKCECodeVerifier,
  randomState,
} from 'openid-client';
import { DomainError } from '../errors.js';
import {
  type Authorities,
  type Authority,
  type ExternalPerson,
  isLoopback,
  type OidcSettings,
} from './authorities.js';

const TICKET_SECONDS = 600;
const TIMEOUT_SECONDS = 5;
/** What a provider says of itself is asked for again after this long. */
const KNOWN_MS = 600_000;

/** What the page wants back when somebody returns. */
export type Errand = Readonly<Record<string, string>>;

interface Ticket {
  readonly name: string;
  readonly callback: string;
  readonly state: string;
  readonly nonce: string;
  readonly verifier: string;
  readonly errand: Errand;
}

export class Providers {
  readonly #authorities: Authorities;
  readonly #key: Uint8Array;
  readonly #known = new Map<
    string,
    { readonly until: number; readonly configuration: Promise<Configuration> }
  >();

  constructor({ authorities, masterKey }: { authorities: Authorities; masterKey: Buffer }) {
    this.#authorities = authorities;
    this.#key = new Uint8Array(hkdfSync('sha256', masterKey, 'orrery', 'tickets of providers', 32));
  }

  /**
   * @param callback the address of this server that the provider sends people back to
   * @returns where to send the browser, and what it must bring back
   * @throws DomainError `not-found`; `unavailable` (`provider-unavailable`)
   */
  async begin(
    name: string,
    callback: string,
    errand: Errand,
  ): Promise<{ readonly location: string; readonly ticket: string; readonly seconds: number }> {
    const { authority, configuration } = await this.#provider(name);
    const ticket: Ticket = {
      name: authority.name,
      callback,
      state: randomState(),
      nonce: randomNonce(),
      verifier: randomPKCECodeVerifier(),
      errand,
    };
    const url = buildAuthorizationUrl(configuration, {
      redirect_uri: callback,
      scope: (authority.settings as OidcSettings).scopes ?? 'openid profile email',
      code_challenge: await calculatePKCECodeChallenge(ticket.verifier),
      code_challenge_method: 'S256',
      state: ticket.state,
      nonce: ticket.nonce,
    });
    const sealed = await new EncryptJWT({ ticket })
      .setProtectedHeader({ alg: 'dir', enc: 'A256GCM' })
      .setExpirationTime(`${TICKET_SECONDS}s`)
      .encrypt(this.#key);
    return { location: url.href, ticket: sealed, seconds: TICKET_SECONDS };
  }

  /**
   * @param query of the address that they came back to
   * @returns the name of the user here
   * @throws DomainError `unauthenticated` (`provider-refused`): they did not agree, or this is not what was begun;
   *   `unavailable` (`provider-unavailable`)
   */
  async finish(
    name: string,
    query: string,
    sealed: string,
  ): Promise<{ readonly username: string; readonly errand: Errand }> {
    const ticket = await this.#open(sealed);
    const { authority, configuration } = await this.#provider(name);
    if (ticket === null || ticket.name !== authority.name)
      throw refused('This sign-in was not begun here, or too long ago');
    const person = await asking(authority.name, async () => {
      const tokens = await authorizationCodeGrant(configuration, new URL(`${ticket.callback}?${query}`), {
        pkceCodeVerifier: ticket.verifier,
        expectedState: ticket.state,
        expectedNonce: ticket.nonce,
        idTokenExpected: true,
      });
      const claims = tokens.claims()!;
      const { userinfo_endpoint: more } = configuration.serverMetadata();
      const info =
        more === undefined ? {} : await fetchUserInfo(configuration, tokens.access_token, claims.sub);
      return personOf({ ...claims, ...info });
    });
    return { username: await this.#authorities.provision(authority, person), errand: ticket.errand };
  }

  async #provider(name: string): Promise<{ authority: Authority; configuration: Configuration }> {
    const usable = await this.#authorities.usable(name, 'oidc');
    if (usable === null)
      throw new DomainError('not-found', 'provider-not-found', `There is no provider "${name}"`);
    const { authority, secret } = usable;
    const { issuer, clientId } = authority.settings as OidcSettings;
    const key = `${authority.id} ${authority.updatedAt.getTime()}`;
    let known = this.#known.get(key);
    if (known === undefined || known.until < Date.now()) {
      if (this.#known.size > 100) this.#known.clear();
      const url = new URL(issuer);
      const configuration = discovery(url, clientId, secret ?? undefined, undefined, {
        timeout: TIMEOUT_SECONDS,
        execute: url.protocol === 'http:' && isLoopback(url.hostname) ? [allowInsecureRequests] : [],
      });
      known = { until: Date.now() + KNOWN_MS, configuration };
      this.#known.set(key, known);
      configuration.catch(() => this.#known.delete(key));
    }
    const { configuration } = known;
    return { authority, configuration: await asking(authority.name, () => configuration) };
  }

  async #open(sealed: string): Promise<Ticket | null> {
    try {
      const { payload } = await jwtDecrypt(sealed, this.#key, {
        keyManagementAlgorithms: ['dir'],
        contentEncryptionAlgorithms: ['A256GCM'],
      });
      return payload.ticket as Ticket;
    } catch {
      return null;
    }
  }
}

/** What the provider refuses is the visitor's to hear; what it cannot do is nobody's fault here. */
async function asking<T>(name: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof AuthorizationResponseError) throw refused(`${name} did not let you in`, cause);
    const { code = '' } = cause as { code?: string };
    // What came back is not what was begun: another state, nonce, key or client, or a code that was used before.
    if (
      code === 'OAUTH_INVALID_RESPONSE' ||
      code === 'OAUTH_JWT_CLAIM_COMPARISON_FAILED' ||
      code === 'OAUTH_RESPONSE_BODY_ERROR'
    ) {
      throw refused(`What ${name} answered cannot be believed`, cause);
    }
    throw new DomainError(
      'unavailable',
      'provider-unavailable',
      `The provider "${name}" cannot be asked now`,
      { cause },
    );
  }
}

function refused(message: string, cause?: unknown): DomainError {
  return new DomainError('unauthenticated', 'provider-refused', message, { cause });
}

function personOf(claims: Readonly<Record<string, unknown>> & { readonly sub: string }): ExternalPerson {
  const text = (name: string): string | null => {
    const value = claims[name];
    return typeof value === 'string' && value !== '' && !value.includes('\0') ? value.slice(0, 256) : null;
  };
  const email = claims.email_verified === false ? null : text('email');
  const sound = email !== null && /^[^\s@]+@[^\s@]+$/.test(email) ? email : null;
  return {
    id: claims.sub.slice(0, 2048),
    username: text('preferred_username') ?? sound ?? claims.sub,
    email: sound,
    firstName: text('given_name'),
    lastName: text('family_name'),
    displayName: text('name'),
    groups: null,
  };
}
