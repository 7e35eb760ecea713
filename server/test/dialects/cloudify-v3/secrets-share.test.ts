import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { exportKeyOf, openExported, sealExported } from '../../../src/dialects/cloudify-v3/sealed-export.js';
import { aServer } from '../../support/a-server.js';
import { clientOf, type Found } from './client.js';

const VENDORS_TOKEN =
  'gAAAAABrAtgMtEjzH_9TjNS379b1bEBSYOT7rOvHR0ZU_qpSD7OW8z8l3kr7B979-tGxPyZRD0ZCLLQ8eKiaV_qzbQOkNR5niQ==';

const server = await aServer({ ORRERY_LOGIN_THROTTLE: 'off' });
const ask = clientOf(server);

await ask('POST', '/tenants/second', {});
for (const [username, tenant, role] of [
  ['ann', 'default_tenant', 'user'],
  ['meg', 'default_tenant', 'manager'],
  ['vic', 'default_tenant', 'viewer'],
] as const) {
  await ask('PUT', '/users', { body: { username, password: `${username} password` } });
  await ask('PUT', '/tenants/users', { body: { username, tenant_name: tenant, role } });
}
const as = (username: string) => ({ username, password: `${username} password` });
await ask('PUT', '/secrets/plain', { ...as('ann'), body: { value: 'a plain value' } });
await ask('PUT', '/secrets/veiled', { body: { value: 'a veiled value', is_hidden_value: true } });
await ask('PUT', '/secrets/shaped', { body: { value: { port: 22 }, schema: { type: 'object' } } });
await ask('PUT', '/secrets/far', { tenant: 'second', body: { value: 'a far value', visibility: 'tenant' } });

type Exported = Record<string, unknown> & { key: string };
const exported = async (query = '', asked: object = {}): Promise<Exported[]> => {
  const answer = await ask('GET', `/secrets/share/export${query}`, asked);
  assert.equal(answer.status, 200, answer.text);
  return answer.json as unknown as Exported[];
};
const imported = (body: object, asked: object = {}) =>
  ask('POST', '/secrets/share/import', { body, ...asked });
const keysOf = (list: readonly Exported[]) => list.map(({ key }) => key).sort();

describe('export', () => {
  test('is a bare list with values, of the tenant or of all', async () => {
    assert.deepEqual(keysOf(await exported()), ['plain', 'shaped', 'veiled']);
    const [plain] = await exported('?key=plain');
    assert.deepEqual(plain, {
      key: 'plain',
      value: 'a plain value',
      visibility: 'tenant',
      tenant_name: 'default_tenant',
      is_hidden_value: false,
      encrypted: false,
      provider: null,
      provider_options: null,
    });
    assert.deepEqual(keysOf(await exported('?_all_tenants=true')), ['far', 'plain', 'shaped', 'veiled']);
    assert.deepEqual(keysOf(await exported('?_search=pla')), ['plain']);
    const [known] = await exported('?key=plain&_include_metadata=True&_include=key,creator,created_at');
    assert.deepEqual(
      [known?.creator, Object.keys(known ?? {}).sort()],
      ['ann', ['created_at', 'creator', 'key']],
    );
  });

  test('leaves out what is hidden from the caller, and is not for viewers', async () => {
    assert.deepEqual(keysOf(await exported('', as('ann'))), ['plain', 'shaped']);
    assert.deepEqual(keysOf(await exported('', as('meg'))), ['plain', 'shaped', 'veiled']);
    assert.equal((await ask('GET', '/secrets/share/export', as('vic'))).status, 403);
  });

  test('under a passphrase tells no value, and is audited', async () => {
    const answer = await ask('GET', '/secrets/share/export?_passphrase=a%20long%20passphrase');
    assert.ok(!/a plain value|a veiled value/.test(answer.text));
    const list = answer.json as unknown as Exported[];
    assert.ok(list.every(({ encrypted }) => encrypted === true));
    const key = await exportKeyOf('a long passphrase');
    const plain = list.find((each) => each.key === 'plain');
    assert.equal(openExported(String(plain?.value), key), 'a plain value');
    const { rows } = await server.pool.query(
      "select username from audit where thing = 'secrets' and action = 'export'",
    );
    assert.ok(rows.length > 3);
  });
});

describe('a sealed value', () => {
  test('opens under its passphrase alone, and not when it was altered', async () => {
    const [key, other] = await Promise.all([exportKeyOf('one passphrase'), exportKeyOf('another one')]);
    for (const value of ['', 'x', 'väl\u0000ue', 'y'.repeat(5000)]) {
      const token = sealExported(value, key!);
      assert.equal(openExported(token, key!), value);
      assert.equal(openExported(token, other!), null);
      for (const at of [0, 5, 20, 40, token.length - 6]) {
        const altered = `${token.slice(0, at)}${token[at] === 'A' ? 'B' : 'A'}${token.slice(at + 1)}`;
        assert.equal(openExported(altered, key!), null, `altered at ${at}`);
      }
    }
    for (const token of ['', 'no token', 'gAAAA']) assert.equal(openExported(token, key!), null);
  });

  test('as the vendor writes it is read', async () => {
    // Made with the published package, of the passphrase `passphrase` and the value `value one`.
    const key = await exportKeyOf('passphrase');
    assert.equal(openExported(VENDORS_TOKEN, key), 'value one');
  });
});

describe('import', () => {
  test('puts back what was exported, into the tenants that the map names', async () => {
    const list = await exported('?_passphrase=a%20long%20passphrase&_all_tenants=true');
    const { json } = await imported({
      secrets_list: list,
      tenant_map: { default_tenant: 'second' },
      passphrase: 'a long passphrase',
      override_collisions: false,
    });
    assert.deepEqual(json, { colliding_secrets: { second: ['far'] }, secrets_errors: {} });
    const there = async (key: string) => (await ask('GET', `/secrets/${key}`, { tenant: 'second' })).json;
    assert.equal((await there('plain')).value, 'a plain value');
    assert.equal((await there('veiled')).is_hidden_value, true);
    assert.deepEqual((await there('shaped')).value, { port: 22 });
  });

  test('overrides what is there only when told to, and tells it either way', async () => {
    const item = {
      key: 'plain',
      value: 'new',
      visibility: 'tenant',
      tenant_name: 'second',
      is_hidden_value: false,
      encrypted: false,
    };
    const kept = await imported({ secrets_list: [item], override_collisions: false });
    assert.deepEqual(kept.json.colliding_secrets, { second: ['plain'] });
    assert.equal((await ask('GET', '/secrets/plain', { tenant: 'second' })).json.value, 'a plain value');
    const replaced = await imported({ secrets_list: [item], override_collisions: true });
    assert.deepEqual(replaced.json, { colliding_secrets: { second: ['plain'] }, secrets_errors: {} });
    assert.equal((await ask('GET', '/secrets/plain', { tenant: 'second' })).json.value, 'new');
  });

  test('tells what is wrong with each, by its place, and imports the others', async () => {
    const right = {
      key: 'fine',
      value: 'v',
      visibility: 'tenant',
      tenant_name: 'default_tenant',
      is_hidden_value: 'False',
      encrypted: 'false',
    };
    const list = [
      {},
      { ...right, key: 'a', tenant_name: 'nowhere' },
      { ...right, key: 'b', visibility: 'wide', is_hidden_value: 'maybe' },
      { ...right, key: 'c', encrypted: true },
      { ...right, key: 'd', value: { no: 'text' } },
      { ...right, key: 'x/y' },
      { ...right, key: 'e', creator: 'nobody' },
      right,
    ];
    const { status, json } = await imported({ secrets_list: list, override_collisions: false });
    assert.equal(status, 200);
    const errors = json.secrets_errors as Found;
    assert.deepEqual(Object.keys(errors), ['0', '1', '2', '3', '4', '5', '6']);
    assert.deepEqual(errors['0'], {
      'missing secret fields': ['key', 'is_hidden_value', 'visibility', 'tenant_name', 'value', 'encrypted'],
    });
    assert.deepEqual(errors['1'], { tenant_name: 'The tenant `nowhere` was not found' });
    assert.deepEqual(errors['2'], { is_hidden_value: 'Not boolean', visibility: 'Not a valid visibility' });
    assert.deepEqual(errors['3'], { 'No passphrase': 'The secret is encrypted but no passphrase was given' });
    assert.equal((await ask('GET', '/secrets/fine')).json.value, 'v');
    for (const key of ['a', 'b', 'c', 'd', 'e'])
      assert.equal((await ask('GET', `/secrets/${key}`)).status, 404, key);
  });

  test('of an encrypted one needs the right passphrase', async () => {
    const list = (await exported('?_passphrase=right&key=shaped')).map((one) => ({ ...one, key: 'again' }));
    const { json } = await imported({ secrets_list: list, passphrase: 'wrong', override_collisions: false });
    assert.deepEqual(json.secrets_errors, {
      0: { value: 'The value cannot be decrypted with this passphrase' },
    });
  });

  test('keeps owner and times for administrators, and for nobody else', async () => {
    const item = {
      key: 'old',
      value: 'v',
      visibility: 'tenant',
      tenant_name: 'default_tenant',
      is_hidden_value: false,
      encrypted: false,
      creator: 'ann',
      created_at: '2020-01-02T03:04:05.678Z',
    };
    assert.deepEqual(
      (await imported({ secrets_list: [item], override_collisions: false })).json.secrets_errors,
      {},
    );
    const { created_at, created_by } = (await ask('GET', '/secrets/old')).json;
    assert.deepEqual([created_at, created_by], ['2020-01-02T03:04:05.678Z', 'ann']);
    const other = await imported(
      { secrets_list: [{ ...item, key: 'older' }], override_collisions: false },
      as('meg'),
    );
    assert.match(other.text, /not permitted: records.restore/);
    assert.equal((await ask('GET', '/secrets/older')).status, 404);
  });

  test('goes nowhere where the caller may not write', async () => {
    const item = {
      key: 'k',
      value: 'v',
      visibility: 'tenant',
      tenant_name: 'second',
      is_hidden_value: false,
      encrypted: false,
    };
    const stranger = await imported({ secrets_list: [item], override_collisions: true }, as('ann'));
    assert.deepEqual(stranger.json.secrets_errors, {
      0: { tenant_name: 'The tenant `second` was not found' },
    });
    const viewer = await imported(
      { secrets_list: [{ ...item, tenant_name: 'default_tenant' }], override_collisions: true },
      as('vic'),
    );
    assert.match(viewer.text, /not permitted/);
    const map = await imported({
      secrets_list: [item],
      tenant_map: { second: 'nowhere' },
      override_collisions: false,
    });
    assert.deepEqual([map.status, map.json.error_code], [400, 'bad_parameters_error']);
    assert.equal((await imported({ override_collisions: true })).status, 400);
  });
});

test('nothing that was asked here was a mistake of the server', () => {
  assert.deepEqual(
    server.lines.filter((line) => line.includes('"level":"error"')),
    [],
  );
});
