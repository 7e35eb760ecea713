/**
 * The vendor's published client in TypeScript, unmodified, over what it has calls for. Made for browsers, it takes who calls from a
 * cookie; Node keeps none, so the bearer token is put onto its requests on their way out.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';

const {
  ORRERY_INTEROP_HOST: host,
  ORRERY_INTEROP_PORT: port,
  ORRERY_INTEROP_PASSWORD: password,
} = process.env;
const BASE = `http://${host}:${port}`;
const PACKAGES = ['@meshery/schemas@1.3.7', '@reduxjs/toolkit@2.14.0', 'react@19.3.1'];
const HERE = dirname(fileURLToPath(import.meta.url));

/** Its folder; made when it is not there yet. */
function installed() {
  const folder = join(HERE, '../../.cache/layer5-client');
  const finished = join(folder, 'finished');
  if (existsSync(finished)) return folder;
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'package.json'), '{"private": true}\n');
  const npm = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--silent', ...PACKAGES];
  const done = spawnSync('npm', npm, { cwd: folder, encoding: 'utf8' });
  assert.equal(done.status, 0, `the client could not be installed\n${done.stderr}`);
  writeFileSync(finished, `${PACKAGES.join('\n')}\n`);
  return folder;
}

let call;
let organization;

before(async () => {
  const signedIn = await fetch(`${BASE}/api/auth/login`, {
    method: 'POST',
    body: JSON.stringify({ identifier: 'admin', password }),
  });
  const { token } = await signedIn.json();
  const plain = globalThis.fetch;
  globalThis.fetch = (request, options) => {
    request.headers.set('authorization', `Bearer ${token}`);
    return plain(request, options);
  };
  process.env.RTK_CLOUD_ENDPOINT_PREFIX = BASE;
  const require = createRequire(join(installed(), 'package.json'));
  const { configureStore } = require('@reduxjs/toolkit');
  const client = require('@meshery/schemas/cloudApi');
  const api = client.cloudApi ?? client.cloudBaseApi ?? Object.values(client).find((one) => one?.endpoints);
  const store = configureStore({
    reducer: {
      [api.reducerPath]: api.reducer,
      // Which organisation the console stands at: the client names it in its requests.
      organization: () => ({ value: { id: organization } }),
    },
    middleware: (usual) => usual().concat(api.middleware),
  });
  call = async (name, argument) => {
    const { data, error } = await store.dispatch(api.endpoints[name].initiate(argument));
    assert.equal(error, undefined, `${name}: ${JSON.stringify(error)}`);
    return data;
  };
  const made = await call('createOrg', { body: { name: `of the client ${Date.now()}` } });
  organization = made.id ?? made.organizations[0].id;
});

describe('the published client', () => {
  test('knows who calls, and makes tokens that are shown once', async () => {
    const me = await call('getUser');
    assert.equal(me.userId ?? me.user_id, 'admin');
    const made = await call('generateToken', { name: 'of the client', purpose: 'a test' });
    assert.match((made.tokens[0].accessToken ?? made.tokens[0].access_token) || '', /^l5_/);
    const { tokens } = await call('getUserTokens', {});
    const again = tokens.find(({ name }) => name === 'of the client');
    assert.equal(again.accessToken ?? again.access_token, '');
  });

  test('finds its organisation, its keys and its teams', async () => {
    const { organizations } = await call('getOrgs', { pagesize: 'all' });
    assert.ok(organizations.some(({ id }) => id === organization));
    const { keys } = await call('getUserKeys', { orgId: organization });
    assert.ok(keys.length > 0);
    assert.deepEqual((await call('getTeams', { orgId: organization })).teams, []);
  });

  test('makes workspaces and environments, and finds them', async () => {
    const body = { name: 'of the client', organization_id: organization };
    const workspace = await call('createWorkspace', { body });
    const { workspaces } = await call('getWorkspaces', { orgId: organization });
    assert.ok(workspaces.some(({ id }) => id === workspace.id));
    assert.deepEqual((await call('getDesignsOfWorkspace', { workspaceId: workspace.id })).designs, []);
    const made = await call('createEnvironment', { body });
    const { environments } = await call('getEnvironments', { orgId: organization });
    assert.ok(environments.some(({ id }) => id === made.id));
  });

  test('keeps, reads, clones and deletes designs', async () => {
    const body = { patternData: { name: 'of the client', patternFile: '...' }, save: true };
    const [design] = await call('upsertPattern', { body });
    const read = await call('getPattern', { designId: design.id });
    assert.equal(read.patternFile ?? read.pattern_file, '...');
    const { patterns } = await call('getPatterns', { visibility: ['private', 'public'] });
    assert.ok(patterns.some(({ id }) => id === design.id));
    const clone = await call('clonePattern', { designId: design.id });
    assert.notEqual(clone.id, design.id);
    await call('deletePattern', { designId: design.id });
    await call('deletePattern', { designId: clone.id });
  });

  test('makes content of the academy and registers for it', async () => {
    const body = { type: 'challenge', title: 'of the client', orgId: organization };
    const content = await call('createAcademyCurricula', { body });
    await call('registerToAcademyContent', { body: { contentId: content.id } });
    const { data } = await call('getAcademyCurricula', { contentType: ['challenge'] });
    const found = data.find(({ id }) => id === content.id);
    assert.equal(found.registrationCount ?? found.registration_count, 1);
    const mine = await call('getMyAcademyCurricula', {});
    assert.ok(mine.data.some(({ id }) => id === content.id));
  });
});
