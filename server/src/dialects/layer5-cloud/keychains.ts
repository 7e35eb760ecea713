/** Keychains and the keys on them (specs: layer5.md §6). */
import Type from 'typebox';
import type { ListedKey } from '../../membership/access.js';
import { KEY, KEYCHAIN, smallPage, uuidOrNull, whole } from './access.js';
import { absent } from './errors.js';
import { type Call, MaybeText, type Mounting, Name, PAGE, pageSchema, route } from './routes.js';

const KeychainBody = Type.Object({ name: Name });
const KeyBody = Type.Object({
  id: Type.Optional(Type.String()),
  function: Name,
  category: Type.Optional(Type.String({ maxLength: 256 })),
  subcategory: Type.Optional(Type.String({ maxLength: 256 })),
  description: MaybeText,
});
const keyOf = (row: ListedKey) => ({ ...row, deletedAt: null });

export function addKeychainsAndKeys(mounting: Mounting): void {
  addKeychains(mounting);
  addKeys(mounting);
}

function addKeychains(mounting: Mounting): void {
  const tag = 'Roles and keys';
  const root = '/api/auth/keychains';
  const find = async (call: Call, id: string) => {
    const found = (await call.core.access.keychains(call.caller)).find((each) => each.id === id);
    if (found === undefined) throw absent('Keychain', id);
    return whole(found);
  };
  route(
    mounting,
    'get',
    root,
    {
      tag,
      name: 'keychains_list',
      summary: 'List keychains',
      query: PAGE,
      answer: pageSchema('KeychainPage', 'keychains', KEYCHAIN),
    },
    async (call) =>
      smallPage(call, 'keychains', await call.core.access.keychains(call.caller), ({ name }) => name),
  );
  route(
    mounting,
    'post',
    root,
    {
      tag,
      name: 'keychains_create',
      summary: 'Make a keychain',
      body: KeychainBody,
      status: 201,
      answer: KEYCHAIN,
    },
    async (call) => whole(await call.core.access.createKeychain(call.caller, call.body.name)),
  );
  route(
    mounting,
    'get',
    `${root}/:id`,
    { tag, name: 'keychains_get', summary: 'Get a keychain', answer: KEYCHAIN },
    async (call) => find(call, call.id('id', 'Keychain')),
  );
  route(
    mounting,
    'put',
    `${root}/:id`,
    { tag, name: 'keychains_update', summary: 'Rename a keychain', body: KeychainBody, answer: KEYCHAIN },
    async (call) =>
      whole(await call.core.access.renameKeychain(call.caller, call.id('id', 'Keychain'), call.body.name)),
  );
  route(
    mounting,
    'delete',
    `${root}/:id`,
    { tag, name: 'keychains_delete', summary: 'Delete a keychain' },
    async (call) => {
      await call.core.access.removeKeychain(call.caller, call.id('id', 'Keychain'));
      return undefined;
    },
  );
  route(
    mounting,
    'get',
    `${root}/:id/keys`,
    {
      tag,
      name: 'keychains_keys',
      summary: 'List the keys on a keychain',
      query: PAGE,
      answer: pageSchema('KeyPage', 'keys', KEY),
    },
    async (call) =>
      smallPage(
        call,
        'keys',
        await call.core.access.keysOn(call.caller, call.id('id', 'Keychain')),
        ({ function: name }) => name,
      ),
  );
  for (const [method, on] of [
    ['post', true],
    ['delete', false],
  ] as const) {
    route(
      mounting,
      method,
      `${root}/:id/:keyId`,
      {
        tag,
        name: on ? 'keychains_keys_add' : 'keychains_keys_remove',
        summary: on ? 'Put a key on a keychain' : 'Take a key off a keychain',
      },
      async (call) => {
        await call.core.access.turnKey(call.caller, call.id('id', 'Keychain'), call.id('keyId', 'Key'), on);
        return undefined;
      },
    );
  }
}

function addKeys(mounting: Mounting): void {
  const tag = 'Roles and keys';
  const root = '/api/auth/keys';
  route(
    mounting,
    'get',
    root,
    {
      tag,
      name: 'keys_list',
      summary: 'List every permission key',
      query: PAGE,
      answer: pageSchema('KeyPage', 'keys', KEY),
    },
    async (call) =>
      smallPage(call, 'keys', await call.core.access.keys(call.caller), ({ function: name }) => name),
  );
  route(
    mounting,
    'post',
    root,
    {
      tag,
      name: 'keys_put',
      summary: 'Make or change a key; for provider admins',
      body: KeyBody,
      answer: KEY,
    },
    async (call) => {
      const { function: name, category = '', subcategory = '', description = '' } = call.body;
      const key = { id: uuidOrNull('id', call.body.id), function: name, category, subcategory, description };
      return keyOf(await call.core.access.putKey(call.caller, key));
    },
  );
  for (const [path, alias] of [
    [`${root}/:keyId`, ''],
    ['/api/auth/key/:keyId', '_alias'],
  ] as const) {
    route(
      mounting,
      'get',
      path,
      { tag, name: `keys_get${alias}`, summary: 'Get a key', answer: KEY },
      async (call) => {
        const id = call.id('keyId', 'Key');
        const found = (await call.core.access.keys(call.caller)).find((key) => key.id === id);
        if (found === undefined) throw absent('Key', id);
        return keyOf(found);
      },
    );
    route(
      mounting,
      'delete',
      path,
      { tag, name: `keys_delete${alias}`, summary: 'Delete a key; those of the catalog stay' },
      async (call) => {
        await call.core.access.removeKey(call.caller, call.id('keyId', 'Key'));
        return undefined;
      },
    );
  }
}
