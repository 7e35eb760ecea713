/**
 * What somebody may do in a group of people who order: permissions `object.verb`, and the roles that give them. Pure.
 *
 * Roles are rows and can be changed; these are what a tenant begins with. Rights in a group come beside those of the
 * installation (caller.ts): an administrator of the tenant may do everything in every group.
 */
export const GROUP_PERMISSIONS = [
  'group.view',
  'group.manage',
  'group.manage_members',
  'order.view',
  'order.submit',
  'order.approve',
  'order.choose_recipient',
  'job.view',
  'server.view',
  'server.control_power',
  'server.manage_snapshots',
  'server.modify',
  'server.decommission',
  'server.run_action',
  'resource.view',
  'resource.run_action',
] as const;
export type GroupPermission = (typeof GROUP_PERMISSIONS)[number];

export interface RoleOfGroup {
  readonly name: string;
  readonly label: string;
  readonly permissions: readonly GroupPermission[];
  /** Counts in the groups below too. */
  readonly reachesDown: boolean;
}

const SEES: readonly GroupPermission[] = [
  'group.view',
  'order.view',
  'job.view',
  'server.view',
  'resource.view',
];

export const FIRST_ROLES: readonly RoleOfGroup[] = [
  { name: 'viewer', label: 'Viewer', permissions: SEES, reachesDown: false },
  { name: 'requestor', label: 'Requestor', permissions: ['group.view', 'order.submit'], reachesDown: false },
  {
    name: 'approver',
    label: 'Approver',
    permissions: ['group.view', 'order.view', 'job.view', 'order.approve'],
    reachesDown: true,
  },
  {
    name: 'resource_admin',
    label: 'Resource Admin',
    permissions: [
      ...SEES,
      'server.control_power',
      'server.manage_snapshots',
      'server.modify',
      'server.decommission',
      'server.run_action',
      'resource.run_action',
    ],
    reachesDown: false,
  },
  {
    name: 'group_admin',
    label: 'Group Admin',
    permissions: [...SEES, 'group.manage', 'group.manage_members', 'order.choose_recipient'],
    reachesDown: true,
  },
];

/** What the owner of a server or resource may do with it, whatever roles they have in its group. */
export const OWNER_PERMISSIONS: ReadonlySet<GroupPermission> = new Set([
  'server.view',
  'server.control_power',
  'server.manage_snapshots',
  'server.modify',
  'server.decommission',
  'server.run_action',
  'resource.view',
  'resource.run_action',
]);
