/** Designs, filters and views shared with other people (specs: layer5.md §8.2). */
import Type from 'typebox';
import type { DesignKind } from '../../designs/designs.js';
import type { Actor } from '../../designs/sharing.js';
import { absent, badRequest } from './errors.js';
import { type Call, entity, Flag, Id, type Mounting, Opaque, route, Text } from './routes.js';

const KINDS: Readonly<Record<string, DesignKind>> = {
  pattern: 'design',
  design: 'design',
  filter: 'filter',
  view: 'view',
};
const EmailBody = Type.Object({
  contentId: Type.String(),
  contentType: Type.Optional(Type.String()),
  emails: Type.Array(Type.String({ maxLength: 320 }), { minItems: 1, maxItems: 100 }),
  share: Type.Optional(Type.Boolean()),
});
const ActorBody = Type.Object({
  actorId: Type.String(),
  actorType: Type.Optional(Type.String()),
  roles: Type.Optional(Type.Array(Type.String())),
});
const ShareBody = Type.Object({
  grant: Type.Optional(Type.Array(ActorBody, { maxItems: 100 })),
  revoke: Type.Optional(Type.Array(ActorBody, { maxItems: 100 })),
});

export function addSharing(mounting: Mounting): void {
  const tag = 'Sharing';
  for (const [path, name, usual] of [
    ['/api/content/design/share', 'designs_share', 'pattern'],
    ['/api/content/view/share', 'views_share', 'view'],
  ] as const) {
    route(
      mounting,
      'post',
      path,
      {
        tag,
        name,
        summary: 'Share with people by e-mail, or stop sharing',
        body: EmailBody,
        answer: entity('Shared', {
          message: Text,
          contentId: Id,
          share: Flag,
          unknownEmails: Type.Array(Text),
        }),
      },
      async (call) => {
        const { contentId, contentType = usual, emails, share = true } = call.body;
        const unknownEmails = await call.core.sharing.byEmail(
          call.caller,
          kindOf(contentType),
          contentId.toLowerCase(),
          emails,
          share,
        );
        return { message: share ? 'Shared' : 'No longer shared', contentId, share, unknownEmails };
      },
    );
  }
  const path = '/api/resource/:resourceType/share/:resourceId';
  route(
    mounting,
    'post',
    path,
    {
      tag,
      name: 'resources_share',
      summary: 'Give access to users and teams, or take it',
      body: ShareBody,
      answer: entity('AccessChanged', { message: Text }),
    },
    async (call) => {
      const { grant = [], revoke = [] } = call.body;
      await call.core.sharing.change(
        call.caller,
        kindOf(call.param('resourceType')),
        call.id('resourceId', 'Resource'),
        grant.map(actorOf),
        revoke.map(actorOf),
      );
      return { message: 'Access has changed' };
    },
  );
  route(
    mounting,
    'get',
    `${path}/:actorType`,
    {
      tag,
      name: 'resources_actors',
      summary: 'List users or teams that have access',
      answer: entity('Actors', {
        users: Type.Optional(Type.Array(Opaque)),
        teams: Type.Optional(Type.Array(Opaque)),
      }),
    },
    async (call) => {
      const kind = kindOf(call.param('resourceType'));
      const id = call.id('resourceId', 'Resource');
      const type = call.param('actorType').toLowerCase().replace(/s$/, '');
      if (type === 'team')
        return { teams: (await call.core.sharing.teams(call.caller, kind, id)).map(withRoles) };
      if (type !== 'user') throw absent('Actor type', call.param('actorType'));
      return {
        users: (await users(call, kind, id)).map((row) => ({ ...withRoles(row), userId: row.username })),
      };
    },
  );
}

const users = (call: Call, kind: DesignKind, id: string) => call.core.sharing.users(call.caller, kind, id);
const withRoles = <Row extends { readonly mayEdit: boolean }>({ mayEdit, ...row }: Row) => ({
  ...row,
  roles: [mayEdit ? 'editor' : 'viewer'],
});

function actorOf({ actorId, actorType = 'user', roles = [] }: Type.Static<typeof ActorBody>): Actor {
  if (actorType !== 'user' && actorType !== 'team')
    throw badRequest(`actor_type must be user or team, not ${actorType.slice(0, 50)}`);
  return {
    kind: actorType,
    id: actorId.toLowerCase(),
    mayEdit: roles.some((role) => /edit|admin|owner|write/i.test(role)),
  };
}

function kindOf(word: string): DesignKind {
  const kind = Object.hasOwn(KINDS, word) ? KINDS[word] : undefined;
  if (kind === undefined)
    throw badRequest(
      `content_type must be one of ${Object.keys(KINDS).join(', ')}, not ${word.slice(0, 50)}`,
    );
  return kind;
}
