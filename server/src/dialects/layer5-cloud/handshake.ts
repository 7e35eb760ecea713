/** What Meshery asks before it uses a provider (specs: layer5.md §4): it calls only what is told here, so all of it works. */
import { readFileSync } from 'node:fs';
import Type from 'typebox';
import { entity, type Mounting, Opaque, openRoute, Text } from './routes.js';

/** Feature -> where it is. */
export const FEATURES: Readonly<Record<string, string>> = {
  'sync-prefs': '/api/identity/users/preferences',
  'users-profile': '/api/identity/users/profile',
  'users-identity': '/api/identity/users',
  'users-keys': '/api/identity/users/keys',
  organizations: '/api/identity/orgs',
  workspaces: '/api/workspaces',
  environments: '/api/environments',
  'persist-connection': '/api/integrations/connections',
  'persist-meshery-patterns': '/api/content/patterns',
  'clone-meshery-patterns': '/api/content/patterns/clone',
  'persist-meshery-pattern-resources': '/api/content/patterns/resource',
  'meshery-patterns-catalog': '/api/catalog/content/pattern',
  'share-designs': '/api/content/design/share',
  'persist-meshery-filters': '/api/content/filters',
  'persist-events': '/api/events',
  'persist-credentials': '/api/integrations/credentials',
};

const CAPABILITIES = entity('Capabilities', {
  providerType: Text,
  packageVersion: Text,
  packageUrl: Text,
  providerName: Text,
  providerDescription: Type.Array(Text),
  providerUrl: Text,
  extensions: Opaque,
  restrictedAccess: Opaque,
  capabilities: Type.Array(entity('Capability', { feature: Text, endpoint: Text })),
});

export function addHandshake(mounting: Mounting): void {
  const tag = 'System';
  for (const [path, name] of [
    ['/capabilities', 'capabilities_get'],
    ['/:mesheryVersion/capabilities', 'capabilities_of_version'],
  ] as const) {
    openRoute(
      mounting,
      'get',
      path,
      {
        tag,
        name,
        summary: 'Tell Meshery what this provider can do',
        query: { os: 'Accepted', playground: 'Accepted' },
        answer: CAPABILITIES,
      },
      async (request) => ({
        providerType: 'remote',
        packageVersion: 'v0.1.0',
        packageUrl: '',
        providerName: 'Orrery',
        providerDescription: ['Designs, workspaces, environments and connections, kept by your own server'],
        providerUrl: `${request.protocol}://${request.host}`,
        extensions: { navigator: [], userPrefs: [], graphql: [], account: [], collaborator: [] },
        restrictedAccess: { isMesheryUiRestricted: false, allowedComponents: {} },
        capabilities: Object.entries(FEATURES).map(([feature, endpoint]) => ({ feature, endpoint })),
      }),
    );
  }
  openRoute(
    mounting,
    'get',
    '/api/system/version',
    {
      tag,
      name: 'system_version',
      summary: 'Tell the version of this server',
      answer: entity('SystemVersion', {
        version: Text,
        build: Text,
        latest: Text,
        outdated: Type.Boolean(),
        commitsha: Text,
        releaseChannel: Text,
      }),
    },
    async () => ({
      version: VERSION,
      build: VERSION,
      latest: VERSION,
      outdated: false,
      commitsha: '',
      releaseChannel: 'stable',
    }),
  );
}

const { version: VERSION } = JSON.parse(
  readFileSync(new URL('../../../../package.json', import.meta.url), 'utf8'),
) as { version: string };
