/** `/security/tokens`: everything that opens one's own account, and the forms to make it and to end it. */
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { Core } from '../core.js';
import { DomainError } from '../errors.js';
import { nameOf, type Profile } from '../identity/profiles.js';
import type { OfferedFactor } from '../identity/second-factors.js';
import type { CredentialField } from '../identity/security-tokens.js';
import { type Html, html, sendPage } from './html.js';
import { hidden, loginPath } from './sign-in-page.js';
import { requireFormOf, type Visitor, visitorOf } from './visitor.js';

const PATH = '/security/tokens';
const PAGE_SIZE = 200;

type Form = Readonly<Record<string, string | undefined>>;

interface Row {
  readonly id: string;
  readonly uuid: string;
  readonly kind: string;
  readonly name: string | null;
  readonly purpose: string | null;
  readonly suffix: string | null;
  readonly createdAt: string;
  readonly expiresAt: string | null;
  readonly lastUsedAt: string | null;
}

const SHAPE = {
  id: 'id',
  uuid: 'uuid',
  kind: 'kind',
  name: 'name',
  purpose: 'purpose',
  suffix: 'suffix',
  createdAt: 'createdAt',
  expiresAt: 'expiresAt',
  lastUsedAt: 'lastUsedAt',
} as const satisfies Record<keyof Row, CredentialField>;

const KINDS: Readonly<Record<string, string>> = {
  security: 'Security token',
  key: 'API key',
  api: 'Token',
  session: 'Session of a client',
  login: 'Session of a client',
  browser: 'Sign-in of a browser',
};

/** What the page has to say beside what it always says. */
interface News {
  readonly told?: Html;
  readonly status?: number;
  readonly offered?: OfferedFactor;
}

export function tokensRoutes(app: FastifyInstance, core: Core): void {
  app.get(PATH, async (request, reply) => {
    const visitor = await visitorOf(core, request);
    if (visitor === null) return reply.redirect(loginPath({ ref: PATH }), 303);
    return tokensPage(core, reply, visitor, {});
  });

  /** Each form does one thing, and the page after it says what was done. */
  const form = (path: string, act: (visitor: Visitor, form: Form) => Promise<News>) => {
    app.post(path, async (request, reply) => {
      const visitor = await visitorOf(core, request);
      if (visitor === null) return reply.redirect(loginPath({ ref: PATH }), 303);
      const given = (request.body ?? {}) as Form;
      requireFormOf(visitor, request, given.form_key);
      let news: News;
      try {
        news = await act(visitor, given);
      } catch (error) {
        if (!(error instanceof DomainError) || error.kind === 'unauthenticated') throw error;
        news = { told: note('bad', html`<p>${error.message}.</p>`), status: 400 };
      }
      return tokensPage(core, reply, visitor, news);
    });
  };

  form(PATH, async ({ caller }, { name = '', purpose = '' }) => {
    const { value } = await core.securityTokens.create(caller, {
      name,
      purpose: purpose === '' ? null : purpose,
    });
    return { told: shownOnce(`Your new token ${name}`, value) };
  });
  form(`${PATH}/revoke`, async ({ caller }, { id = '' }) => {
    const ended = await core.securityTokens.revoke(caller, id);
    return { told: note('ok', html`<p>Revoked: ${KINDS[ended.kind] ?? ended.kind} ${ended.name ?? ''}</p>`) };
  });
  form(`${PATH}/key`, async ({ caller }) => {
    const { value } = await core.apiKeys.create(caller, { id: caller.userId });
    return { told: shownOnce('Your new API key', value) };
  });
  form('/security/password', async ({ caller, who }, { current = '', fresh = '' }) => {
    await core.credentials.requirePassword(caller.username, current, who.userId);
    await core.people.changeOwnPassword(caller, fresh, who.tokenId ?? null);
    return {
      told: note('ok', html`<p>Your password is changed, and every other sign-in of yours has ended.</p>`),
    };
  });
  form('/security/second-factor', async ({ caller }) => ({
    offered: await core.secondFactors.enable(caller, { confirmed: false }),
  }));
  form('/security/second-factor/confirm', async ({ caller, who }, { code = '' }) => {
    await core.secondFactors.confirm(caller, code, who.tokenId ?? null);
    return { told: note('ok', html`<p>From now on, signing in asks for a code.</p>`) };
  });
  form('/security/second-factor/disable', async ({ caller, who }, { current = '' }) => {
    const profile = await core.profiles.own(caller);
    if (profile.authentication === 'internal') {
      await core.credentials.requirePassword(caller.username, current, who.userId);
    }
    await core.secondFactors.disable(caller, { id: caller.userId });
    return { told: note('ok', html`<p>Signing in asks for the password alone now.</p>`) };
  });
}

async function tokensPage(
  core: Core,
  reply: FastifyReply,
  visitor: Visitor,
  news: News,
): Promise<FastifyReply> {
  const { caller } = visitor;
  const [profile, page] = await Promise.all([
    core.profiles.own(caller),
    core.securityTokens.list(caller, {
      shape: SHAPE,
      filters: [{ field: 'userId', anyOf: [String(caller.userId)] }],
      sort: [],
      offset: 0,
      size: PAGE_SIZE,
    }),
  ]);
  const rows = JSON.parse(page.items) as Row[];
  return sendPage(reply, {
    title: 'Tokens and keys',
    status: news.status ?? 200,
    body: html`<div class="head"><h1>Tokens and keys</h1><p class="muted">Signed in as <strong>${nameOf(profile)}</strong>${profile.displayName === null && profile.firstName === null ? null : html` (${profile.username})`} · <a href="/logout">Sign out</a></p></div>
${news.told ?? null}
${profile.passwordResetRequired ? note('warn', html`<p>Your password is a temporary one. Choose your own below.</p>`) : null}
${newToken(visitor)}
${credentials(visitor, rows, page.total)}
${keyPane(visitor, profile)}
${factorPane(visitor, profile, news.offered)}
${profile.authentication === 'internal' ? passwordPane(visitor) : null}`,
  });
}

function newToken(visitor: Visitor): Html {
  return html`<section class="pane"><h2>New security token</h2>
<p class="muted">For scripts and other servers. It is good until you revoke it, in every tenant that you are in.</p>
<form method="post" action="${PATH}" class="row">
${hidden({ form_key: visitor.formKey })}
<div><label for="name">Name</label><input id="name" name="name" required maxlength="255" autocomplete="off"></div>
<div><label for="purpose">What for <span class="hint">may be left out</span></label><input id="purpose" name="purpose" maxlength="4096" autocomplete="off"></div>
<button type="submit">Create token</button>
</form></section>`;
}

function credentials(visitor: Visitor, rows: readonly Row[], total: number): Html {
  const own = visitor.who.tokenId;
  return html`<section class="pane"><h2>What opens your account</h2>
<p class="muted">${total > rows.length ? `The newest ${rows.length} of ${total}. ` : ''}Revoking one counts at once, and leaves the others alone. Times are UTC.</p>
<div class="scroll" tabindex="0" role="region" aria-label="Credentials"><table class="cards">
<thead><tr><th scope="col">Kind</th><th scope="col">Name</th><th scope="col">Ends in</th><th scope="col">Created</th><th scope="col">Last used</th><th scope="col">Until</th><th scope="col"><span class="visually-hidden">Action</span></th></tr></thead>
<tbody>${rows.map(
    (row) => html`<tr><td>${KINDS[row.kind] ?? row.kind}</td>${nameCell(row)}
<td data-label="Ends in"><code>${row.suffix === null ? '' : `…${row.suffix}`}</code></td><td data-label="Created">${time(row.createdAt)}</td><td data-label="Last used">${row.lastUsedAt === null ? html`<span class="muted">not yet</span>` : time(row.lastUsedAt)}</td>
<td data-label="Until">${row.expiresAt === null ? html`<span class="muted">no end</span>` : time(row.expiresAt)}</td>
<td>${
      row.id === own
        ? html`<span class="muted">this sign-in</span>`
        : html`<form method="post" action="${PATH}/revoke">${hidden({ form_key: visitor.formKey, id: row.uuid })}<button type="submit" class="danger small" aria-label="Revoke ${KINDS[row.kind] ?? row.kind} ${row.name ?? row.suffix ?? ''}">Revoke</button></form>`
    }</td></tr>`,
  )}</tbody></table></div></section>`;
}

function nameCell({ name, purpose }: Row): Html {
  if (name === null && purpose === null) return html`<td class="name"></td>`;
  return html`<td class="name" data-label="Name">${name ?? ''}${purpose === null ? null : html` <span class="muted">${purpose}</span>`}</td>`;
}

function keyPane(visitor: Visitor, profile: Profile): Html | null {
  const may = profile.keysAllowed || visitor.caller.permissions.has('members.manage');
  if (!may) return null;
  return html`<section class="pane"><h2>API key</h2>
<p class="muted">${profile.hasKey ? 'You have one. A new one ends it at once.' : 'You have none.'}</p>
<form method="post" action="${PATH}/key">${hidden({ form_key: visitor.formKey })}<button type="submit" class="quiet">${profile.hasKey ? 'Replace the API key' : 'Create an API key'}</button></form></section>`;
}

function factorPane(visitor: Visitor, profile: Profile, offered: OfferedFactor | undefined): Html {
  const key = hidden({ form_key: visitor.formKey });
  if (offered !== undefined) {
    const grouped = offered.secret.replace(/(.{4})(?=.)/g, '$1 ');
    return html`<section class="pane"><h2>Second factor: show a first code</h2>
<p>Add this secret to your authenticator, by hand or with <a href="${offered.uri}">this link</a> on the device that has it. It is shown this once.</p>
<code class="value">${grouped}</code>
<form method="post" action="/security/second-factor/confirm" class="row">${key}
<div><label for="first-code">Code of the moment</label><input id="first-code" name="code" inputmode="numeric" autocomplete="one-time-code" required maxlength="9" autofocus></div>
<button type="submit">Confirm</button></form></section>`;
  }
  if (!profile.secondFactor) {
    return html`<section class="pane"><h2>Second factor</h2>
<p class="muted">A code from an authenticator, asked for beside the password.${profile.secondFactorRequired ? ' You are required to have one.' : ''}</p>
<form method="post" action="/security/second-factor">${key}<button type="submit" class="quiet">Set up</button></form></section>`;
  }
  return html`<section class="pane"><h2>Second factor</h2><p class="muted">Signing in asks for a code.</p>
<form method="post" action="/security/second-factor/disable" class="row">${key}
<div><label for="factor-password">Your password</label><input id="factor-password" name="current" type="password" autocomplete="current-password" maxlength="1024"></div>
<button type="submit" class="danger">Switch off</button></form></section>`;
}

function passwordPane(visitor: Visitor): Html {
  return html`<section class="pane"><h2>Password</h2><p class="muted">A new one ends every other sign-in of yours; tokens and keys stay.</p>
<form method="post" action="/security/password" class="row">${hidden({ form_key: visitor.formKey })}
<div><label for="current">Password now</label><input id="current" name="current" type="password" autocomplete="current-password" required maxlength="1024"></div>
<div><label for="fresh">New password</label><input id="fresh" name="fresh" type="password" autocomplete="new-password" required minlength="5" maxlength="256"></div>
<button type="submit" class="quiet">Change</button></form></section>`;
}

function shownOnce(what: string, value: string): Html {
  return note(
    'ok',
    html`<p><strong>${what}</strong>. Copy it now: it is not shown again.</p><code class="value">${value}</code>`,
  );
}

function note(tone: 'ok' | 'bad' | 'warn', body: Html): Html {
  return html`<div class="note ${tone}" role="${tone === 'bad' ? 'alert' : 'status'}">${body}</div>`;
}

function time(iso: string): Html {
  return html`<time datetime="${iso}">${iso.slice(0, 16).replace('T', ' ')}</time>`;
}
