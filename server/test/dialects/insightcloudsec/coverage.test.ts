/**
 * Every row of the specification that is marked SEED or CLIENT is served and shown by a test that is named here, or is on the
 * list of what is not served, which may only shrink. And every route has a row in the table of requests, and every row a route.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { aDomain } from './a-domain.js';
import { ROWS } from './access.rows.js';
import { servedRoutes } from './served-routes.js';

const domain = await aDomain();

/** Part of a test's title, by file. */
const SHOWN: Readonly<Record<string, readonly [file: string, title: string]>> = {
  'POST /v2/public/user/login': ['identity', 'the documented sample logs in'],
  'POST /v2/public/user/logout': ['identity', 'logging out ends one of them'],
  'GET /v2/public/user/info': ['identity', 'each login makes a session'],
  'GET /v2/public/users/list': ['identity', 'five wrong passwords in a row'],
  'POST /v2/public/users/list': ['identity', 'users are told with the members'],
  'GET /v2/prototype/domains/admins/list': ['identity', 'an access level changes'],
  'POST /v2/prototype/domains/admins/list': ['rights', 'answers'],
  'POST /v2/public/user/create': ['identity', 'a user without a password'],
  'POST /v2/public/user/create_api_only_user': ['organizations', 'figures of organisations'],
  'POST /v2/public/user/update_to_api_only_user': ['identity', 'a user becomes API-only'],
  'POST /v2/public/user/update_console_access': ['identity', 'one whose console is denied'],
  'POST /v2/prototype/user/:user/update': ['identity', 'a Basic User makes a key'],
  'POST /v2/public/user/:user/edit-access-level': ['identity', 'an access level changes'],
  'DELETE /v2/prototype/user/:user/delete': ['identity', 'a deleted user is gone'],
  'POST /v2/public/user/tfa_state': ['identity', 'with a second factor'],
  'POST /v2/public/user/tfa_enable': ['identity', 'with a second factor'],
  'POST /v2/public/user/tfa_disable': ['identity', 'with a second factor'],
  'POST /v2/prototype/user/:user/groups/list': ['identity', 'groups that a user was made into'],
  'POST /v2/public/apikey/create': ['identity', 'a new key ends the one before'],
  'POST /v2/public/apikey/deactivate': ['identity', 'a new key ends the one before'],
  'POST /v2/prototype/authenticationservers/list': ['identity', 'directories are told'],
  'GET /v2/prototype/domain/organizations/detail/get': ['organizations', 'figures of organisations'],
  'GET /v2/prototype/domain/organizations/get': ['organizations', 'an organisation is made'],
  'POST /v2/prototype/domain/organization/create': ['organizations', 'an organisation is made'],
  'POST /v2/prototype/domain/organization/:org/update': ['organizations', 'an organisation is made'],
  'DELETE /v2/prototype/domain/organization/:org/delete': ['organizations', 'an organisation is made'],
  'POST /v2/prototype/domain/switch_organization': ['organizations', 'a domain user works in'],
  'GET /v2/public/clouds/list': ['transport', 'a GET may carry a body'],
  'POST /v2/public/clouds/list': ['clouds', 'a list is filtered'],
  'POST /v2/prototype/cloud/add': ['clouds', 'a cloud is added'],
  'POST /v2/prototype/cloud/:cloud/update': ['clouds', 'a cloud is changed flat'],
  'POST /v2/public/cloud/:cloud/delete': ['clouds', 'a cloud is changed flat'],
  'POST /v2/public/clouds/status/set': ['clouds', 'a paused cloud'],
  'GET /v2/public/cloudtypes/list': ['clouds', 'types, regions, strategies'],
  'GET /v2/public/clouds/provisioning/list': ['clouds', 'types, regions, strategies'],
  'GET /v2/public/cloud/:cloud/regions/list': ['clouds', 'types, regions, strategies'],
  'POST /v2/public/cloud/region/:region/enable': ['clouds', 'types, regions, strategies'],
  'POST /v2/public/cloud/region/:region/disable': ['clouds', 'types, regions, strategies'],
  'GET /v2/prototype/cloud/linked/list': ['clouds', 'types, regions, strategies'],
  'GET /v2/public/divvy/cloud/:cloud/last_harvest/get': ['clouds', 'the last harvest of each job'],
  'POST /v2/public/divvy/cloud/enqueue_harvest_job': ['clouds', 'the last harvest of each job'],
  'GET /v2/harvestingstrategy/strategy': ['clouds', 'types, regions, strategies'],
  'POST /v2/public/badges/create': ['clouds', 'badges are put on'],
  'POST /v2/public/badges/:cloud/update': ['clouds', 'badges are put on'],
  'POST /v2/public/badges/delete': ['clouds', 'badges are put on'],
  'POST /v2/public/badges/:cloud/list': ['clouds', 'badges are put on'],
  'POST /v2/public/badges/count': ['clouds', 'badges are put on'],
  'POST /v2/public/badge/clouds/list': ['clouds', 'badges are put on'],
  'POST /v2/public/resource/query': ['resources', 'resources are asked for by type'],
  'POST /v3/public/resource/etl-query': ['resources', 'a cursor reads everything once'],
  'GET /v2/public/resource/:resource/detail': ['resources', 'a resource is told in detail'],
  'GET /v2/public/resource/:resource/tags/list': ['resources', 'a resource is told in detail'],
  'POST /v2/public/resource/owner/set': ['resources', 'a resource is told in detail'],
  'POST /v2/public/resource/common/search': ['resources', 'a resource is told in detail'],
  'GET /client_version': ['identity', 'the version that is spoken'],
};

/** Governance, and what goes with it. */
const NOT_YET = `
POST /v2/public/resource/x/associations/get
POST /v2/public/resource/x/settings/list
POST /v2/public/x/policy/x/detach
POST /v2/public/dnszone/x/dnsrecords/list
POST /v2/public/resourcegroup/create
POST /v2/prototype/resourcegroups/resources/add
POST /v2/prototype/resources/delete
GET /v2/public/insights/list
GET /v2/public/insights/x/custom
POST /v2/public/insights/create
POST /v2/public/insights/x/edit
DELETE /v2/public/insights/x/delete
POST /v2/public/insights/x/notes/update
GET /v2/public/insights/x/custom/insight-data-7-days
GET /v2/public/insights/x/violations/get
POST /v2/public/insights/x/set_exemptions
GET /v2/public/insights/select
GET /v2/public/insights/filter-registry
GET /v2/public/insights/packs/list
POST /v2/public/insights/pack/create
POST /v2/public/insights/pack/x/update
DELETE /v2/public/insights/pack/x/delete
POST /v2/public/exemptions/create
POST /v2/public/exemptions/delete
POST /v2/public/exemptions/list
POST /v2/public/botfactory/bot/create
POST /v2/public/botfactory/list
GET /v2/public/botfactory/x/get
POST /v2/public/botfactory/x/ondemand
POST /v2/public/botfactory/x/pause
POST /v2/public/botfactory/x/resume
POST /v2/public/botfactory/x/archive
POST /v2/public/botfactory/bots/bulk_action/pause
GET /v2/public/botfactory/function-registry/list
POST /v2/prototype/scheduled_events/get
POST /v2/prototype/scheduled_events/execute_action
POST /v2/prototype/scheduled_events/history/list
POST /v2/public/entitlements/set
GET /v2/prototype/diagnostics/queues/status/get
GET /v2/prototype/diagnostics/system/status/get
POST /v2/datacollections/
POST /v3/iac/scan
GET /v3/iac/scans/x
`;

const routes = (await servedRoutes(domain.server.core)).map(({ route }) => route);

test('every documented route that is served is shown by a test of that name', () => {
  for (const [route, [file, title]] of Object.entries(SHOWN)) {
    assert.ok(routes.includes(route), `${route} is not served`);
    const source = fileURLToPath(
      new URL(`../../../../test/dialects/insightcloudsec/${file}.test.ts`, import.meta.url),
    );
    const titles = [...readFileSync(source, 'utf8').matchAll(/^ *test\((['"`])(.+?)\1,/gm)].map(
      (found) => found[2]!,
    );
    assert.ok(
      titles.some((each) => each.includes(title)),
      `${file}.test.ts has no test "${title}"`,
    );
  }
});

test('what is not served is exactly what is named, and says so in this dialect’s form', async () => {
  for (const [, method = '', path = ''] of NOT_YET.matchAll(/^([A-Z]+) (\S+)$/gm)) {
    const { status, json } = await domain.ask(method, path, { key: domain.admin.key });
    assert.deepEqual(
      [status, json.error_type],
      [404, 'not_found'],
      `${method} ${path} is served: take it off the list`,
    );
  }
});

test('every route has a request of its own in the table, and every request a route', () => {
  assert.deepEqual(Object.keys(ROWS).sort(), [...routes].sort());
});

test('the published description of each operation names the user types that it is for, and cautions where it is a prototype', async () => {
  const words = {
    basic: 'Basic User',
    'org-admin': 'Organization Admin',
    'domain-viewer': 'Domain Viewer',
    'domain-admin': 'Domain Admin',
  };
  const document = (await (await fetch(`${domain.server.url}/openapi/insightcloudsec.json`)).json()) as {
    paths: Record<string, Record<string, { description: string; security?: object[] }>>;
  };
  for (const { route, may } of await servedRoutes(domain.server.core)) {
    const [method = '', path = ''] = route.split(' ');
    const operation = document.paths[path.replace(/:(\w+)/g, '{$1}')]?.[method.toLowerCase()];
    assert.ok(operation !== undefined, `${route} is not in the document`);
    const named =
      may === null ? 'Needs no credentials.' : `For: ${may.map((type) => words[type]).join(', ')}.`;
    assert.ok(operation.description.includes(named), `${route}: ${operation.description}`);
    assert.equal(operation.description.includes('A prototype'), path.includes('/prototype/'), route);
    if (may === null) assert.deepEqual(operation.security, [], route);
  }
});
