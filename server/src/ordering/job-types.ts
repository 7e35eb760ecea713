/** Kinds of job: the code that filters ask for, and what people read (cloudbolt.md §5.1). Pure. */

export const JOB_TYPES = {
  deploy_blueprint: 'Deploy Blueprint',
  provision: 'Provision Server',
  modify: 'Modify Server',
  decom: 'Delete Server',
  delete_resource: 'Delete Resource',
  syncvms: 'Synchronize VMs',
  orchestration_hook: 'Orchestration Action',
  server_action: 'Server Action',
  resource_action: 'Resource Action',
  rule: 'Rule',
  install_apps: 'Install Applications',
} as const;

export type JobType = keyof typeof JOB_TYPES;

export function isJobType(text: string): text is JobType {
  return Object.hasOwn(JOB_TYPES, text);
}

/** The code of a type by either of its names, whatever its case; null: there is none. */
export function jobTypeOf(text: string): JobType | null {
  const wanted = text.trim().toLowerCase();
  for (const [code, name] of Object.entries(JOB_TYPES)) {
    if (code === wanted || name.toLowerCase() === wanted) return code as JobType;
  }
  return null;
}

/** For SQL: the name of the code in `column`. */
export function typeNameSql(column: string): string {
  const cases = Object.entries(JOB_TYPES).map(([code, name]) => `when '${code}' then '${name}'`);
  return `(case ${column} ${cases.join(' ')} else ${column} end)`;
}
