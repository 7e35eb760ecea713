/** What the caller prefers, and where they act (specs: layer5.md §2.1). */
import Type from 'typebox';
import type { JsonObject } from '../../dsl/plan.js';
import { isUuid } from '../../membership/acting-tenant.js';
import type { UserPreferences } from '../../membership/preferences.js';
import { badRequest } from './errors.js';
import { entity, Flag, MaybeTime, type Mounting, Opaque, route, Text } from './routes.js';

const PREFERENCES = entity('Preferences', {
  selectedOrganization: Text,
  selectedOrganizationId: Text,
  selectedOrganizationID: Text,
  selectedWorkspace: Text,
  selectedWorkspaceForOrganizations: Opaque,
  anonymousUsageStats: Flag,
  anonymousPerfResults: Flag,
  dashboardPreferences: Opaque,
  usersExtensionPreferences: Opaque,
  remoteProviderPreferences: Opaque,
  updatedAt: MaybeTime,
});

const Body = Type.Object({}, { additionalProperties: true, title: 'PreferencesChange' });

/** The preference object, as it is also in the profile. */
export function preferencesOf({ values, updatedAt }: UserPreferences): JsonObject {
  const organization = typeof values.selectedOrganization === 'string' ? values.selectedOrganization : '';
  const places = (values.selectedWorkspaceForOrganizations ?? {}) as JsonObject;
  return {
    anonymousUsageStats: true,
    anonymousPerfResults: true,
    dashboardPreferences: {},
    usersExtensionPreferences: {},
    remoteProviderPreferences: {},
    ...values,
    selectedOrganization: organization,
    selectedOrganizationId: organization,
    selectedOrganizationID: organization,
    selectedWorkspace: places[organization] ?? '',
    selectedWorkspaceForOrganizations: places,
    updatedAt: updatedAt?.toISOString() ?? null,
  };
}

export function addPreferences(mounting: Mounting): void {
  const tag = 'Users';
  route(
    mounting,
    'get',
    '/api/identity/users/preferences',
    { tag, name: 'users_preferences', summary: 'Get your preferences', answer: PREFERENCES },
    async ({ core, caller }) => preferencesOf(await core.preferences.get(caller)),
  );
  for (const path of ['/api/identity/users/preferences', '/user/preferences']) {
    route(
      mounting,
      'put',
      path,
      {
        tag,
        name: path.startsWith('/api') ? 'users_preferences_update' : 'users_preferences_update_legacy',
        summary: 'Change your preferences; what is not sent stays',
        body: Body,
        status: 201,
        answer: PREFERENCES,
      },
      async (call) =>
        preferencesOf(await call.core.preferences.merge(call.caller, changeOf(call.body as JsonObject))),
    );
  }
}

/** The organisation goes by three names on this wire. */
function changeOf({
  selectedOrganization,
  selectedOrganizationId,
  updatedAt: _,
  ...rest
}: JsonObject): JsonObject {
  const organization = selectedOrganization ?? selectedOrganizationId;
  if (organization === undefined) return rest;
  if (typeof organization !== 'string' || (organization !== '' && !isUuid(organization))) {
    throw badRequest('selectedOrganization must be the id of an organization, or empty');
  }
  return { ...rest, selectedOrganization: organization.toLowerCase() };
}
