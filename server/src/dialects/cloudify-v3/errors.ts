/**
 * How Cloudify's clients are told that something went wrong: `{message, error_code, server_traceback}`.
 *
 * Rooms throw `DomainError` and know nothing of statuses. `BY_KIND` covers every kind (forget one, no build);
 * `BY_REASON` holds the situations for which Cloudify has a code of its own (specs: cloudify.md §1.1). What only this
 * dialect can get wrong (an unknown `_include` field, a body of the wrong type) is a `CloudifyError` from the start.
 * `docs/errors.md` repeats both tables; a test keeps them equal.
 */
import type { FastifyBaseLogger } from 'fastify';
import { DomainError, type ErrorKind } from '../../errors.js';

export interface WireError {
  readonly status: number;
  readonly code: string;
}

export interface ErrorBody {
  readonly message: string;
  readonly error_code: string;
  readonly server_traceback: string | null;
  /** Only with `invalid_filter_rule`. */
  readonly err_filter_rule?: unknown;
  readonly err_reason?: string;
}

export const BY_KIND: Readonly<Record<ErrorKind, WireError>> = {
  invalid: { status: 400, code: 'bad_parameters_error' },
  unauthenticated: { status: 401, code: 'unauthorized_error' },
  forbidden: { status: 403, code: 'forbidden_error' },
  'not-found': { status: 404, code: 'not_found_error' },
  conflict: { status: 409, code: 'conflict_error' },
  limit: { status: 413, code: 'bad_parameters_error' },
  unavailable: { status: 503, code: 'service_unavailable_error' },
};

/** Situations for which Cloudify answers otherwise than their kind would. */
export const BY_REASON: Readonly<Record<string, WireError>> = {
  'invalid-blueprint': { status: 400, code: 'invalid_blueprint_error' },
  'blueprint-in-use': { status: 400, code: 'dependent_exists_error' },
  'blueprint-under-way': { status: 400, code: 'invalid_blueprint_error' },
  'blueprint-not-ready': { status: 400, code: 'deployment_creation_error' },
  'invalid-plugin': { status: 400, code: 'invalid_plugin_error' },
  'plugin-in-use': { status: 405, code: 'plugin_in_use' },
  'plugins-update-failed': { status: 400, code: 'plugins_update_failed' },
  'plugins-update-not-ready': { status: 400, code: 'illegal_action_error' },
  'plugin-of-other-tenant': { status: 400, code: 'illegal_action_error' },
  'belongs-to-other-tenant': { status: 400, code: 'illegal_action_error' },
  'deployment-inputs-missing': { status: 400, code: 'missing_required_deployment_input_error' },
  'deployment-inputs-unknown': { status: 400, code: 'unknown_deployment_input_error' },
  'deployment-inputs-invalid': { status: 400, code: 'deployment_creation_error' },
  'deployment-secrets-missing': { status: 400, code: 'unknown_deployment_secret_error' },
  'deployment-plugins-missing': { status: 400, code: 'deployment_plugin_not_found' },
  'deployment-creation-failed': { status: 400, code: 'deployment_creation_error' },
  'deployment-has-active-executions': { status: 400, code: 'dependent_exists_error' },
  'deployment-has-live-instances': { status: 400, code: 'dependent_exists_error' },
  'modification-already-started': { status: 400, code: 'existing_started_deployment_modification_error' },
  'modification-already-ended': { status: 400, code: 'deployment_modification_already_ended_error' },
  'function-evaluation-failed': { status: 400, code: 'functions_evaluation_error' },
  'execution-already-running': { status: 400, code: 'existing_running_execution_error' },
  'execution-action-illegal': { status: 400, code: 'illegal_action_error' },
  'execution-parameters-illegal': { status: 400, code: 'illegal_execution_parameters_error' },
  'execution-status-illegal': { status: 400, code: 'invalid_exception_status_update' },
  'workflow-unknown': { status: 400, code: 'nonexistent_workflow_error' },
  'workflow-unavailable': { status: 400, code: 'unavailable_workflow_error' },
  'workflow-unsupported': { status: 400, code: 'unavailable_workflow_error' },
  'visibility-not-wider': { status: 400, code: 'illegal_action_error' },
  'wider-than-blueprint': { status: 400, code: 'illegal_action_error' },
  'global-of-another-tenant': { status: 400, code: 'illegal_action_error' },
  'snapshot-not-ready': { status: 400, code: 'snapshot_action_error' },
  'snapshot-in-use': { status: 400, code: 'snapshot_action_error' },
  'snapshot-status-illegal': { status: 400, code: 'snapshot_action_error' },
  'log-bundle-not-ready': { status: 400, code: 'log_bundle_action_error' },
  'log-bundle-in-use': { status: 400, code: 'log_bundle_action_error' },
  'log-bundle-status-illegal': { status: 400, code: 'log_bundle_action_error' },
  'installation-not-empty': { status: 400, code: 'snapshot_action_error' },
  'nothing-to-change': { status: 400, code: 'illegal_action_error' },
  'sign-in-throttled': { status: 429, code: 'unauthorized_error' },
  'too-many-waiting': { status: 429, code: 'conflict_error' },
  'too-many-tokens': { status: 400, code: 'bad_parameters_error' },
  'last-admin': { status: 400, code: 'illegal_action_error' },
  'builtin-user': { status: 400, code: 'illegal_action_error' },
  'own-user': { status: 400, code: 'illegal_action_error' },
  'last-node': { status: 400, code: 'illegal_action_error' },
  'cluster-uninitialized-options': { status: 400, code: 'illegal_action_error' },
  maintenance: { status: 503, code: 'entering_maintenance_mode' },
  'default-tenant': { status: 400, code: 'illegal_action_error' },
  'deployment-has-dependents': { status: 400, code: 'dependent_exists_error' },
  'filter-rule-invalid': { status: 400, code: 'invalid_filter_rule' },
  'filter-of-the-system': { status: 400, code: 'illegal_action_error' },
  'deployment-parent-not-found': { status: 404, code: 'deployment_parent_not_found_error' },
};

/** An answer only this dialect gives; rooms never throw it. */
export class CloudifyError extends Error {
  readonly status: number;
  readonly code: string;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, code: string, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.name = 'CloudifyError';
    this.status = status;
    this.code = code;
    this.headers = headers;
  }
}

/** 400 `bad_parameters_error`. */
export function badParameters(message: string): CloudifyError {
  return new CloudifyError(400, 'bad_parameters_error', message);
}

/** 404 in the reference server's words, which some tools match on. */
export function notFoundAs(resource: string, id: string): CloudifyError {
  return new CloudifyError(
    404,
    'not_found_error',
    `Requested \`${resource}\` with ID \`${id}\` was not found`,
  );
}

export interface Rendered {
  readonly status: number;
  readonly body: ErrorBody;
  readonly headers: Readonly<Record<string, string>>;
}

/** Any thrown thing as status and body. What nobody meant to throw is logged and answered as a plain 500. */
export function renderError(error: unknown, log: Pick<FastifyBaseLogger, 'error' | 'info'>): Rendered {
  if (error instanceof CloudifyError) return { ...answer(error, error.message), headers: error.headers };
  if (error instanceof DomainError) {
    const wire = BY_REASON[error.reason] ?? BY_KIND[error.kind];
    if (error.cause !== undefined) {
      const level = wire.status >= 500 ? 'error' : 'info';
      log[level]({ err: error.cause, reason: error.reason }, error.message);
    }
    const { retryAfterSeconds } = error.details;
    const headers = retryAfterSeconds === undefined ? {} : { 'retry-after': String(retryAfterSeconds) };
    const told = answer(wire, messageOf(error));
    if (error.reason !== 'filter-rule-invalid') return { ...told, headers };
    const { rule, why } = error.details;
    return {
      ...told,
      body: { ...told.body, err_filter_rule: rule ?? null, err_reason: String(why) },
      headers,
    };
  }
  const fromHttp = httpErrorOf(error);
  if (fromHttp !== null) return answer(fromHttp, (error as Error).message);
  log.error({ err: error }, 'request failed');
  return answer({ status: 500, code: 'internal_server_error' }, 'Internal error occurred in the server');
}

function answer(wire: WireError, message: string): Rendered {
  const body = { message, error_code: wire.code, server_traceback: null };
  return { status: wire.status, body, headers: {} };
}

function messageOf(error: DomainError): string {
  if (error.kind === 'unauthenticated') {
    return error.message.startsWith('User unauthorized')
      ? error.message
      : `User unauthorized: ${error.message}`;
  }
  const { thing, id } = error.details;
  if (error.kind === 'not-found' && typeof thing === 'string' && typeof id === 'string') {
    return notFoundAs(resourceName(thing), id).message;
  }
  return error.message;
}

/** `node instance` -> `NodeInstance`, as the reference server names its resources in messages. */
function resourceName(thing: string): string {
  return thing
    .split(/[ -]/)
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join('');
}

/** Errors of the HTTP layer itself carry a status: a body too large, an aborted upload, an impossible URL. */
function httpErrorOf(error: unknown): WireError | null {
  if (!(error instanceof Error) || !('statusCode' in error)) return null;
  const status = error.statusCode;
  if (typeof status !== 'number' || status < 400 || status > 499) return null;
  if (status === 415) return { status, code: 'unsupported_content_type_error' };
  return { status, code: 'bad_parameters_error' };
}
