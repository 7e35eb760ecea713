/** What to do about a refused request, by the server's error code. */
import type { Connection } from '../settings.js';

const BY_CODE: Readonly<Record<string, readonly string[]>> = {
  missing_required_deployment_input_error: ['Give it with -i NAME=VALUE, or many with -i inputs.yaml'],
  unknown_deployment_input_error: ['See what the blueprint asks for: orrery blueprints get BLUEPRINT'],
  existing_running_execution_error: [
    'Watch the one that runs: orrery executions follow -d DEPLOYMENT',
    'Or start after it: --queue; or beside it: --force',
  ],
  nonexistent_workflow_error: ['See the workflows: orrery deployments get DEPLOYMENT'],
  illegal_execution_parameters_error: [
    'Give parameters with -p NAME=VALUE; --allow-custom-parameters lets unknown ones pass',
  ],
  dependent_exists_error: ['Uninstall or delete what depends on it first; --force deletes regardless'],
};

export function hintsFor(status: number, code: string | null, connection: Connection): readonly string[] {
  if (status === 401) {
    if (connection.credentials.kind === 'none') {
      return [
        'No credentials were given. Keep them in a profile: orrery profiles add NAME --url URL --username USER',
        'Or for once: ORRERY_USERNAME and ORRERY_PASSWORD, or ORRERY_TOKEN, in the environment',
      ];
    }
    return [`The credentials come from ${connection.origin}.`];
  }
  if (status === 403) return [`Tenant is "${connection.tenant}"; another: --tenant NAME`];
  return (code === null ? undefined : BY_CODE[code]) ?? [];
}

export function unreachableHints(connection: Connection): readonly string[] {
  if (connection.loopback) {
    return [
      'Start a server on this machine: npm start',
      'Or name another: --url URL, ORRERY_URL, or a profile (orrery profiles add)',
    ];
  }
  return [`The address comes from ${connection.urlOrigin}. Is the server running, and the way to it open?`];
}
