/**
 * What the documents of this API name, section by section of the specification, whoever marks it (the vendor's page, Meshery's
 * client, the published one, or ourselves): written down apart from the routes, so that a route that nobody made is missed. `:`
 * stands for whatever a client puts there.
 */
const DOCUMENTED = `
2.1 preferences
PUT /api/identity/users/preferences

3.1 getting in
POST /api/auth/login

3.2 tokens
GET /api/identity/tokens
POST /api/identity/tokens
DELETE /api/identity/tokens
GET /api/identity/tokens/:
GET /api/identity/tokens/infinite
POST /introspect
GET /keys
POST /refresh
POST /revoke

4 handshake
GET /capabilities
GET /:/capabilities

5 users
GET /api/identity/users/profile
PUT /api/identity/users/profile
GET /api/identity/users/profile/:
GET /api/identity/users/profile/details
GET /api/identity/users
POST /api/identity/users
DELETE /api/identity/users/:
DELETE /api/identity/users/self
GET /api/users
GET /api/identity/users/search
GET /api/identity/orgs/:/users/search
GET /api/identity/orgs/:/users
GET /api/identity/orgs/:/users/keys
GET /api/identity/users/keys

6 organizations, teams, roles, keys, invitations
GET /api/identity/orgs
POST /api/identity/orgs
GET /api/identity/orgs/:
PUT /api/identity/orgs/:
DELETE /api/identity/orgs/:
GET /api/identity/orgs/:/preferences
GET /api/identity/orgs/by-domain
POST /api/identity/orgs/:/users/:
DELETE /api/identity/orgs/:/users/:
POST /api/identity/orgs/:/users/invite
GET /api/identity/orgs/:/teams
POST /api/identity/orgs/:/teams
GET /api/identity/orgs/:/teams/:
PUT /api/identity/orgs/:/teams/:
DELETE /api/identity/orgs/:/teams/:
POST /api/identity/orgs/:/teams/:
POST /api/identity/orgs/:/teams/:/remove
GET /api/identity/teams/:/users
GET /api/identity/orgs/:/teams/:/users
POST /api/identity/orgs/:/teams/:/users/:
DELETE /api/identity/orgs/:/teams/:/users/:
GET /api/identity/orgs/:/roles
POST /api/identity/orgs/:/roles
PUT /api/identity/orgs/:/roles
POST /api/identity/roles
DELETE /api/identity/roles/:
GET /api/identity/orgs/:/roles/:/keychains
POST /api/identity/orgs/:/roles/:/keychains/:
DELETE /api/identity/orgs/:/roles/:/keychains/:
GET /api/auth/keychains
POST /api/auth/keychains
GET /api/auth/keychains/:
PUT /api/auth/keychains/:
DELETE /api/auth/keychains/:
GET /api/auth/keychains/:/keys
POST /api/auth/keychains/:/:
DELETE /api/auth/keychains/:/:
GET /api/auth/keys
POST /api/auth/keys
GET /api/auth/keys/:
DELETE /api/auth/keys/:
GET /api/auth/key/:
DELETE /api/auth/key/:
GET /api/organizations/invitations
POST /api/organizations/invitations
GET /api/organizations/invitations/:
PUT /api/organizations/invitations/:
DELETE /api/organizations/invitations/:
POST /api/organizations/invitations/:/accept
POST /api/identity/invitations/:/accept
GET /api/identity/badges
GET /api/organizations/badges/:
DELETE /api/organizations/badges/:
POST /api/organizations/badges
PUT /api/identity/users/badges

7 workspaces and environments
GET /api/workspaces
POST /api/workspaces
GET /api/workspaces/:
PUT /api/workspaces/:
DELETE /api/workspaces/:
GET /api/workspaces/:/environments
GET /api/workspaces/:/designs
GET /api/workspaces/:/views
GET /api/workspaces/:/teams
GET /api/workspaces/:/events
POST /api/workspaces/:/environments/:
POST /api/workspaces/:/designs/:
POST /api/workspaces/:/views/:
POST /api/workspaces/:/teams/:
DELETE /api/workspaces/:/environments/:
DELETE /api/workspaces/:/designs/:
DELETE /api/workspaces/:/views/:
DELETE /api/workspaces/:/teams/:
GET /api/environments
POST /api/environments
GET /api/environments/:
PUT /api/environments/:
DELETE /api/environments/:
GET /api/environments/:/connections
POST /api/environments/:/connections/:
DELETE /api/environments/:/connections/:

8.2 designs
GET /api/pattern
POST /api/pattern
GET /api/pattern/:
DELETE /api/pattern/:
POST /api/pattern/import
GET /api/content/patterns
POST /api/content/patterns
DELETE /api/content/patterns
GET /api/content/patterns/:
DELETE /api/content/patterns/:
POST /api/content/patterns/delete
POST /api/content/patterns/clone/:
GET /api/content/patterns/download/:
POST /api/content/patterns/upload/:
GET /api/content/patterns/resource
POST /api/content/patterns/resource
GET /api/content/patterns/resource/:
DELETE /api/content/patterns/resource/:
POST /api/content/design/share
POST /api/resource/:/share/:
GET /api/resource/:/share/:/:

8.3 catalogue
GET /api/catalog/content/:
POST /api/catalog/content/:
DELETE /api/catalog/content/:
POST /api/catalog/content/:/unpublish
GET /api/catalog/content/classes
GET /api/catalog/requests
POST /api/catalog/requests/approve
POST /api/catalog/requests/deny

8.4 views and filters
GET /api/content/views
POST /api/content/views
GET /api/content/views/:
PUT /api/content/views/:
DELETE /api/content/views/:
POST /api/content/view/share
GET /api/content/filters
POST /api/content/filters
GET /api/content/filters/:
DELETE /api/content/filters/:

9 integrations and events
GET /api/integrations/connections
POST /api/integrations/connections
GET /api/integrations/connections/:
PUT /api/integrations/connections/:
DELETE /api/integrations/connections/:
DELETE /api/integrations/connections/meshery/:
GET /api/integrations/connections/kubernetes/:/context
GET /api/integrations/credentials
POST /api/integrations/credentials
PUT /api/integrations/credentials
DELETE /api/integrations/credentials
GET /api/integrations/credentials/:
POST /api/events
GET /api/events
GET /api/events/list
GET /api/events/types
GET /api/events/summary
PUT /api/events/:/status
PUT /api/events/status
DELETE /api/events/:
DELETE /api/events
POST /api/events/delete
POST /events
DELETE /events/:
POST /events/delete
PUT /events/status
PUT /events/:/status

10.4 deploying designs
POST /api/pattern/deploy
DELETE /api/pattern/deploy

11 academy
GET /api/academy/cirricula
GET /api/academy/curricula
GET /api/academy/Curricula
GET /api/academy/cirricula/registered
GET /api/academy/curricula/registered
GET /api/academy/Curricula/registered
POST /api/academy/curricula
POST /api/academy/cirricula
GET /api/academy/curricula/:
PUT /api/academy/curricula/:
DELETE /api/academy/curricula/:
GET /api/academy/:/:/:
POST /api/academy/register
GET /api/academy/registrations/:
POST /api/academy/curricula/registrations/:/withdraw
GET /api/academy/admin/summary
GET /api/academy/admin/registrations
POST /api/academy/registrations/:/progress-tracker/update-current-item
GET /api/academy/registrations/tests
POST /api/academy/registrations/test-sessions/start
POST /api/academy/registrations/test-sessions/submit
GET /api/academy/registrations/:/test-sessions
GET /api/academy/certificates/:

12 the rest
GET /api/system/version
`;

/** Documented, and not served: 404 (docs/layer5-cloud.md). May only shrink. */
export const NOT_YET: readonly string[] = `
POST /api/pattern/deploy
DELETE /api/pattern/deploy
POST /api/academy/registrations/:/progress-tracker/update-current-item
GET /api/academy/registrations/tests
POST /api/academy/registrations/test-sessions/start
POST /api/academy/registrations/test-sessions/submit
GET /api/academy/registrations/:/test-sessions
GET /api/academy/certificates/:
`
  .trim()
  .split('\n');

/** `METHOD path`, each with the section that names it. */
export const SPEC_ROWS: readonly { readonly section: string; readonly row: string }[] = DOCUMENTED.trim()
  .split('\n\n')
  .flatMap((part) => {
    const [section = '', ...rows] = part.trim().split('\n');
    return rows.map((row) => ({ section, row }));
  });

/** A route as the rows above are written. */
export function bare(route: string): string {
  return route.replace(/:\w+/g, ':');
}
