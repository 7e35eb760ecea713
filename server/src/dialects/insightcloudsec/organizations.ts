/** Organisations: our tenants, by their titles (specs: insightcloudsec.md §6.2). */
import { Type } from 'typebox';
import type { TenantProfileField } from '../../identity/tenant-profiles.js';
import { add, type Call, DOMAIN, DOMAIN_ADMIN, EVERYBODY } from './endpoint.js';
import { Flag, Int, Ok, Text } from './fields.js';
import { organizationId, organizationNumber, unknown } from './ids.js';
import type { Mounting } from './mounting.js';

const Detail = Type.Object(
  {
    status: Text,
    smtp_configured: Flag,
    clouds: Int,
    name: Text,
    resource_id: Text,
    organization_id: Int,
    bots: Int,
    users: Type.Integer({ description: 'Without domain users' }),
  },
  { title: 'OrganizationDetail' },
);
const Named = Type.Object(
  { organization_name: Type.String({ maxLength: 256 }) },
  { title: 'OrganizationName' },
);
const Made = Type.Object({ organization_id: Int, name: Text, resource_id: Text }, { title: 'Organization' });

interface Facts {
  readonly id: number;
  readonly title: string;
}

const SHAPE = { id: 'id', title: 'title' } as const satisfies Readonly<Record<string, TenantProfileField>>;
const params = { org: 'divvyorganization:1, or its number' };

export function addOrganizations(mounting: Mounting): void {
  add(mounting, {
    methods: ['GET'],
    path: '/v2/prototype/domain/organizations/detail/get',
    name: 'organizations_list_details',
    tag: 'Organizations',
    summary: 'List organisations with their figures',
    description: 'Domain users see all, others their own. Figures are those of the moment.',
    may: EVERYBODY,
    answer: Type.Object({ organizations: Type.Array(Detail) }),
    async handle({ core, caller }) {
      const figures = await core.tenantProfiles.figures(caller);
      return {
        organizations: figures.map(({ id, title, clouds, people }) => ({
          status: 'ok',
          // There is nothing here that sends mail.
          smtp_configured: false,
          clouds,
          name: title,
          resource_id: organizationId(id),
          organization_id: id,
          // There are no bots here.
          bots: 0,
          users: people,
        })),
      };
    },
  });

  add(mounting, {
    methods: ['GET'],
    path: '/v2/prototype/domain/organizations/get',
    name: 'organizations_list',
    tag: 'Organizations',
    summary: 'List the names of all organisations',
    may: DOMAIN,
    answer: Type.Array(Type.Object({ organization_id: Int, name: Text }, { title: 'OrganizationInList' })),
    async handle(call) {
      return (await organizationsOf(call)).map(({ id, title }) => ({ organization_id: id, name: title }));
    },
  });

  add(mounting, {
    methods: ['POST'],
    path: '/v2/prototype/domain/organization/create',
    name: 'organizations_create',
    tag: 'Organizations',
    summary: 'Create an organisation',
    may: DOMAIN_ADMIN,
    body: Named,
    answer: Made,
    async handle({ core, caller, body }) {
      const { id, title } = await core.tenantProfiles.create(caller, {
        title: body.organization_name.trim(),
      });
      return { organization_id: id, name: title, resource_id: organizationId(id) };
    },
  });

  add(mounting, {
    methods: ['POST'],
    path: '/v2/prototype/domain/organization/:org/update',
    name: 'organizations_rename',
    tag: 'Organizations',
    summary: 'Rename an organisation',
    may: DOMAIN_ADMIN,
    params,
    body: Named,
    answer: Ok,
    async handle(call) {
      const title = call.body.organization_name.trim();
      await call.core.tenantProfiles.update(call.caller, { id: numberIn(call) }, { title });
    },
  });

  add(mounting, {
    methods: ['DELETE'],
    path: '/v2/prototype/domain/organization/:org/delete',
    name: 'organizations_delete',
    tag: 'Organizations',
    summary: 'Delete an organisation with its users and clouds',
    description: 'Refused where deployments or blueprints of it are left.',
    may: DOMAIN_ADMIN,
    params,
    answer: Ok,
    async handle(call) {
      await call.core.tenantRemoval.remove(call.caller, numberIn(call));
    },
  });

  add(mounting, {
    methods: ['POST'],
    path: '/v2/prototype/domain/switch_organization',
    name: 'organizations_switch',
    tag: 'Organizations',
    summary: 'Work in another organisation from now on',
    description: 'Holds for all later calls of the user, with sessions and key.',
    may: DOMAIN,
    body: Named,
    answer: Ok,
    async handle({ core, caller, body }) {
      const { name } = await core.tenantProfiles.get(caller, { title: body.organization_name.trim() });
      await core.profiles.switchTenant(caller, name);
    },
  });
}

async function organizationsOf({ core, caller }: Call<unknown>): Promise<Facts[]> {
  const query = { shape: SHAPE, filters: [], sort: [{ field: 'id' }], offset: 0, size: 10_000 } as const;
  return JSON.parse((await core.tenantProfiles.list(caller, query)).items) as Facts[];
}

function numberIn(call: Call<unknown>): number {
  const id = organizationNumber(call.params.org);
  if (id === null) throw unknown('Organization', call.params.org);
  return id;
}
