/**
 * A good request for every route of the dialect, made anew for each who sends it. `rights.test.ts` sends each as every type
 * of user, `isolation.test.ts` aims it at another organisation's things, `coverage.test.ts` holds that none is missing.
 */
import { ADMIN } from '../../support/a-server.js';
import { type Domain, PASSWORD, stateOf } from './a-domain.js';

export interface Request {
  readonly path: string;
  readonly body?: unknown;
}

export interface Row {
  /** @param fresh a number that no other request of the test has */
  readonly request: (domain: Domain, fresh: number) => Request | Promise<Request>;
  /** Statuses besides 200 and 204 that are a good answer, and why is in the row's comment. */
  readonly also?: readonly number[];
}

/** A user of the first organisation, to whom anything may be done. */
async function somebody(domain: Domain, fresh: number): Promise<number> {
  const user = { name: 'Some Body', username: `somebody-${fresh}`, email: 's@example.org' };
  return (await domain.get(domain.admin, 'POST', '/v2/public/user/create_api_only_user', user)).user_id;
}
async function organization(domain: Domain, fresh: number): Promise<number> {
  const body = { organization_name: `Organisation ${fresh}` };
  return (await domain.get(domain.admin, 'POST', '/v2/prototype/domain/organization/create', body))
    .organization_id;
}
const cloud = (domain: Domain, fresh: number) => domain.cloud(domain.admin, `cloud-${fresh}`, stateOf('web'));
const cloudId = (uid: number) => `divvyorganizationservice:${uid}`;
const resource = async (domain: Domain, fresh: number) =>
  `instance:${await cloud(domain, fresh)}:eu-west-1:i-web:`;
const badges = [{ key: 'env', value: 'prod' }];

const just = (path: string, body?: unknown): Row => ({
  request: () => ({ path, ...(body === undefined ? {} : { body }) }),
});
const ofUser = (path: (id: number) => string, body?: (id: number, fresh: number) => unknown): Row => ({
  request: async (domain, fresh) => {
    const id = await somebody(domain, fresh);
    return { path: path(id), ...(body === undefined ? {} : { body: body(id, fresh) }) };
  },
});
const ofCloud = (path: (uid: number) => string, body?: (uid: number, fresh: number) => unknown): Row => ({
  request: async (domain, fresh) => {
    const uid = await cloud(domain, fresh);
    return { path: path(uid), ...(body === undefined ? {} : { body: body(uid, fresh) }) };
  },
});

export const ROWS: Readonly<Record<string, Row>> = {
  'GET /client_version': just('/client_version'),
  'POST /v2/public/user/login': just('/v2/public/user/login', ADMIN),
  'POST /v2/public/user/logout': just('/v2/public/user/logout'),
  'GET /v2/public/user/info': just('/v2/public/user/info'),
  // The people of the test have no password that is known here.
  'POST /v2/public/user/password/change': {
    ...just('/v2/public/user/password/change', { current_password: 'not it', new_password: PASSWORD }),
    also: [400],
  },
  'GET /v2/public/users/list': just('/v2/public/users/list'),
  'POST /v2/public/users/list': just('/v2/public/users/list', {}),
  'GET /v2/prototype/domains/admins/list': just('/v2/prototype/domains/admins/list'),
  'POST /v2/prototype/domains/admins/list': just('/v2/prototype/domains/admins/list', {}),
  'POST /v2/public/user/create': {
    request: (_, fresh) => ({
      path: '/v2/public/user/create',
      body: { name: 'New', username: `new-${fresh}`, email: 'n@example.org', access_level: 'BASIC_USER' },
    }),
  },
  'POST /v2/public/user/create_api_only_user': {
    request: (_, fresh) => ({
      path: '/v2/public/user/create_api_only_user',
      body: {
        name: 'Robot',
        username: `robot-${fresh}`,
        email: 'r@example.org',
        authentication_type: 'internal',
      },
    }),
  },
  'POST /v2/public/user/update_to_api_only_user': ofUser(
    () => '/v2/public/user/update_to_api_only_user',
    (id) => ({ user_id: String(id) }),
  ),
  'POST /v2/public/user/update_console_access': ofUser(
    () => '/v2/public/user/update_console_access',
    (id) => ({ user_id: String(id), console_access_denied: true }),
  ),
  'POST /v2/prototype/user/:user/update': ofUser(
    (id) => `/v2/prototype/user/divvyuser:${id}:/update`,
    () => ({ name: 'Renamed' }),
  ),
  'POST /v2/public/user/:user/edit-access-level': ofUser(
    (id) => `/v2/public/user/divvyuser:${id}:/edit-access-level`,
    () => ({ current_access_level: 'BASIC_USER', new_access_level: 'ORGANIZATION_ADMIN' }),
  ),
  'DELETE /v2/prototype/user/:user/delete': ofUser((id) => `/v2/prototype/user/divvyuser:${id}:/delete`),
  'POST /v2/prototype/user/:user/groups/list': ofUser(
    (id) => `/v2/prototype/user/divvyuser:${id}:/groups/list`,
  ),
  'POST /v2/public/user/tfa_state': just('/v2/public/user/tfa_state'),
  // Enabled twice is a conflict.
  'POST /v2/public/user/tfa_enable': { ...just('/v2/public/user/tfa_enable'), also: [409] },
  'POST /v2/public/user/tfa_disable': just('/v2/public/user/tfa_disable'),
  'POST /v2/public/apikey/create': ofUser(
    () => '/v2/public/apikey/create',
    (id) => ({ user_id: id }),
  ),
  'POST /v2/public/apikey/deactivate': ofUser(
    () => '/v2/public/apikey/deactivate',
    (id) => ({ user_id: String(id) }),
  ),
  'GET /v2/public/apikeys/list': just('/v2/public/apikeys/list'),
  'POST /v2/prototype/authenticationservers/list': just('/v2/prototype/authenticationservers/list', {}),
  'GET /v2/prototype/domain/organizations/detail/get': just('/v2/prototype/domain/organizations/detail/get'),
  'GET /v2/prototype/domain/organizations/get': just('/v2/prototype/domain/organizations/get'),
  'POST /v2/prototype/domain/organization/create': {
    request: (_, fresh) => ({
      path: '/v2/prototype/domain/organization/create',
      body: { organization_name: `Made ${fresh}` },
    }),
  },
  'POST /v2/prototype/domain/organization/:org/update': {
    request: async (domain, fresh) => ({
      path: `/v2/prototype/domain/organization/divvyorganization:${await organization(domain, fresh)}/update`,
      body: { organization_name: `Renamed ${fresh}` },
    }),
  },
  'DELETE /v2/prototype/domain/organization/:org/delete': {
    request: async (domain, fresh) => ({
      path: `/v2/prototype/domain/organization/divvyorganization:${await organization(domain, fresh)}/delete`,
    }),
  },
  'POST /v2/prototype/domain/switch_organization': just('/v2/prototype/domain/switch_organization', {
    organization_name: 'Default Organization',
  }),
  'GET /v2/public/clouds/list': just('/v2/public/clouds/list'),
  'POST /v2/public/clouds/list': just('/v2/public/clouds/list', {}),
  'POST /v2/prototype/cloud/add': {
    request: (_, fresh) => ({
      path: '/v2/prototype/cloud/add',
      body: { creation_params: { cloud_type: 'AWS', name: `added-${fresh}`, authentication_type: 'import' } },
    }),
  },
  'POST /v2/prototype/cloud/:cloud/update': ofCloud(
    (uid) => `/v2/prototype/cloud/${uid}/update`,
    (_, fresh) => ({ name: `changed-${fresh}` }),
  ),
  'POST /v2/public/cloud/:cloud/delete': ofCloud((uid) => `/v2/public/cloud/${cloudId(uid)}/delete`),
  'POST /v2/public/clouds/status/set': ofCloud(
    () => '/v2/public/clouds/status/set',
    (uid) => ({ resource_ids: [cloudId(uid)], status: 'PAUSED' }),
  ),
  'GET /v2/public/cloudtypes/list': just('/v2/public/cloudtypes/list'),
  'GET /v2/public/clouds/provisioning/list': just('/v2/public/clouds/provisioning/list'),
  'GET /v2/prototype/cloud/linked/list': just('/v2/prototype/cloud/linked/list'),
  'GET /v2/public/cloud/:cloud/regions/list': ofCloud(
    (uid) => `/v2/public/cloud/${cloudId(uid)}/regions/list`,
  ),
  'POST /v2/public/cloud/region/:region/enable': ofCloud(
    (uid) => `/v2/public/cloud/region/serviceregion:${uid}:eu-west-1:/enable`,
  ),
  'POST /v2/public/cloud/region/:region/disable': ofCloud(
    (uid) => `/v2/public/cloud/region/serviceregion:${uid}:eu-west-1:/disable`,
  ),
  'GET /v2/public/divvy/cloud/:cloud/last_harvest/get': ofCloud(
    (uid) => `/v2/public/divvy/cloud/${cloudId(uid)}/last_harvest/get`,
  ),
  // An imported account has nothing that could be asked again.
  'POST /v2/public/divvy/cloud/enqueue_harvest_job': {
    ...ofCloud(
      () => '/v2/public/divvy/cloud/enqueue_harvest_job',
      (uid) => ({ job: 'harvest:Import', region: 'global', organization_service_id: uid }),
    ),
    also: [400],
  },
  'POST /v2/public/cloud/:cloud/import': ofCloud(
    (uid) => `/v2/public/cloud/${cloudId(uid)}/import`,
    () => ({ format: 'terraform_state', document: stateOf('other') }),
  ),
  'GET /v2/harvestingstrategy/strategy': just('/v2/harvestingstrategy/strategy'),
  'POST /v2/harvestingstrategy/strategy': {
    request: (_, fresh) => ({
      path: '/v2/harvestingstrategy/strategy',
      body: { strategy_name: `strategy-${fresh}`, cloud_type_id: 'AWS' },
    }),
  },
  'POST /v2/harvestingstrategy/strategy/:id': ofCloud(
    () => '/v2/harvestingstrategy/strategy/1',
    (uid) => ({ organization_service_ids: [uid], cloud_type_id: 'AWS', badges: [] }),
  ),
  'POST /v2/public/badges/create': ofCloud(
    () => '/v2/public/badges/create',
    (uid) => ({ target_resource_ids: [cloudId(uid)], badges }),
  ),
  'POST /v2/public/badges/:cloud/update': ofCloud(
    (uid) => `/v2/public/badges/${cloudId(uid)}/update`,
    () => badges,
  ),
  'POST /v2/public/badges/delete': ofCloud(
    () => '/v2/public/badges/delete',
    (uid) => ({ target_resource_ids: [cloudId(uid)], badges }),
  ),
  'POST /v2/public/badges/:cloud/list': ofCloud((uid) => `/v2/public/badges/${cloudId(uid)}/list`),
  'POST /v2/public/badges/count': ofCloud(
    () => '/v2/public/badges/count',
    (uid) => ({ resource_ids: [cloudId(uid)] }),
  ),
  'POST /v2/public/badge/clouds/list': just('/v2/public/badge/clouds/list', { env: 'prod' }),
  'POST /v2/public/resource/query': just('/v2/public/resource/query', { selected_resource_type: 'instance' }),
  'POST /v3/public/resource/etl-query': just('/v3/public/resource/etl-query', { limit: 10 }),
  'GET /v2/public/resource/:resource/detail': {
    request: async (domain, fresh) => ({
      path: `/v2/public/resource/${await resource(domain, fresh)}/detail`,
    }),
  },
  'GET /v2/public/resource/:resource/tags/list': {
    request: async (domain, fresh) => ({
      path: `/v2/public/resource/${await resource(domain, fresh)}/tags/list`,
    }),
  },
  'POST /v2/public/resource/common/search': just('/v2/public/resource/common/search', {
    search_string: 'web',
  }),
  'POST /v2/public/resource/owner/set': {
    request: async (domain, fresh) => ({
      path: '/v2/public/resource/owner/set',
      body: {
        resource_ids: [await resource(domain, fresh)],
        owner_resource_id: `divvyuser:${await somebody(domain, fresh)}:`,
      },
    }),
  },
};
