/**
 * What an account is added and changed with: `creation_params`, in the words of each type of cloud (specs: insightcloudsec.md
 * §6.3). Pure. Empty texts and zeros count as not given, because one client sends all of them with every type.
 */
import type { JsonObject } from '../../dsl/plan.js';
import type { CloudAccountChange, NewCloudAccount } from '../../inventory/cloud-accounts.js';
import { kindOf } from './cloud-types.js';
import { invalidInput } from './errors.js';

type Params = Readonly<Record<string, unknown>>;

interface TypeParams {
  /** Ways of signing in -> what each needs. */
  readonly ways: Readonly<Record<string, readonly string[]>>;
  /** Which parameter names the account. */
  readonly account: string;
  /** Wire name -> setting. */
  readonly settings: Readonly<Record<string, string>>;
  /** Wire name -> secret. */
  readonly secrets: Readonly<Record<string, string>>;
}

const AWS: TypeParams = {
  ways: {
    standard: ['account_number', 'api_key', 'secret_key'],
    assume_role: ['account_number', 'role_arn'],
    instance_assume_role: ['account_number', 'role_arn'],
  },
  account: 'account_number',
  settings: {
    role_arn: 'roleArn',
    duration: 'sessionSeconds',
    session_name: 'sessionName',
    endpoint_url: 'endpointUrl',
    payer_account_id: 'payerAccount',
  },
  secrets: { api_key: 'apiKey', secret_key: 'secretKey', external_id: 'externalId' },
};

const AZURE: TypeParams = {
  ways: {
    standard: ['tenant_id', 'app_id', 'subscription_id', 'api_key'],
    client_certificate: ['tenant_id', 'app_id', 'subscription_id', 'certificate_thumbprint'],
  },
  account: 'subscription_id',
  settings: {
    tenant_id: 'directory',
    app_id: 'application',
    certificate_thumbprint: 'certificateThumbprint',
    payer_account_id: 'payerAccount',
  },
  secrets: { api_key: 'apiKey' },
};

const GCP: TypeParams = {
  ways: { standard: ['api_credentials'], service_account: ['api_credentials'] },
  account: 'project',
  settings: { payer_account_id: 'payerAccount' },
  secrets: { api_credentials: 'credentials' },
};

/** Of the others only imports are known. */
const OTHER: TypeParams = { ways: {}, account: 'account_number', settings: {}, secrets: {} };

const BY_KIND: Readonly<Record<string, TypeParams>> = {
  aws: AWS,
  'aws-gov': AWS,
  'aws-china': AWS,
  azure: AZURE,
  'azure-gov': AZURE,
  'azure-china': AZURE,
  gcp: GCP,
};

/** @throws DomainError `invalid` that names the parameter */
export function newAccount(params: Params): NewCloudAccount {
  const kind = kindGiven(params);
  const own = Object.hasOwn(BY_KIND, kind) ? BY_KIND[kind]! : OTHER;
  const way = textOf(params, 'authentication_type') ?? 'standard';
  const name = textOf(params, 'name');
  if (name === null) throw missing('name');
  const needed = way === 'import' ? [] : Object.hasOwn(own.ways, way) ? own.ways[way]! : null;
  if (needed === null) {
    const known = [...Object.keys(own.ways), 'import'].join(', ');
    throw invalidInput('authentication_type', `authentication_type must be one of ${known}, not "${way}"`);
  }
  for (const each of needed) if (isEmpty(params[each])) throw missing(each);
  return {
    name,
    kind,
    signIn: way,
    providerAccount: accountOf(own, params),
    settings: taken(params, own.settings),
    secrets: way === 'import' ? {} : taken(params, own.secrets),
  };
}

/** What is not given, or empty, stays. @param kind of the account @throws DomainError `invalid` */
export function changeOfAccount(params: Params, kind: string): CloudAccountChange {
  const own = Object.hasOwn(BY_KIND, kind) ? BY_KIND[kind]! : OTHER;
  if (!isEmpty(params.cloud_type) && kindGiven(params) !== kind) {
    throw invalidInput('cloud_type', 'The type of a cloud account cannot change');
  }
  const name = textOf(params, 'name');
  const way = textOf(params, 'authentication_type');
  if (way !== null && way !== 'import' && !Object.hasOwn(own.ways, way)) {
    throw invalidInput('authentication_type', `"${way}" is no authentication_type of this type of cloud`);
  }
  const account = accountOf(own, params);
  const secrets = taken(params, own.secrets);
  return {
    ...(name === null ? {} : { name }),
    ...(way === null ? {} : { signIn: way }),
    ...(account === null ? {} : { providerAccount: account }),
    settings: taken(params, own.settings),
    ...(Object.keys(secrets).length === 0 ? {} : { secrets, status: 'pending', statusReason: null }),
  };
}

function kindGiven(params: Params): string {
  const type = textOf(params, 'cloud_type') ?? textOf(params, 'cloud_type_id');
  if (type === null) throw missing('cloud_type');
  const kind = kindOf(type);
  if (kind === null)
    throw invalidInput('cloud_type', `"${type}" is no type of cloud that accounts are added of`);
  return kind;
}

/** Account numbers of AWS have twelve digits, also where a number has lost its zeros. */
function accountOf(own: TypeParams, params: Params): string | null {
  const given = textOf(params, own.account) ?? (own === GCP ? projectOf(params) : null);
  if (given === null || own !== AWS) return given;
  if (!/^\d{1,12}$/.test(given)) {
    throw invalidInput(
      'account_number',
      `account_number has up to twelve digits; "${given.slice(0, 50)}" is none`,
    );
  }
  return given.padStart(12, '0');
}

/** The project of the credentials, where none is named beside them. */
function projectOf({ api_credentials: credentials }: Params): string | null {
  return isEmpty(credentials) ? null : textOf(credentials as Params, 'project_id');
}

function taken(params: Params, names: Readonly<Record<string, string>>): JsonObject {
  return Object.fromEntries(
    Object.entries(names).flatMap(([wire, own]) => (isEmpty(params[wire]) ? [] : [[own, params[wire]]])),
  ) as JsonObject;
}

function textOf(params: Params, name: string): string | null {
  const value = params[name];
  if (isEmpty(value)) return null;
  if (typeof value === 'string') return value.trim();
  if (typeof value === 'number' && Number.isSafeInteger(value)) return String(value);
  throw invalidInput(name, `${name} must be a text`);
}

/** Nothing, an empty text, zero, or an object of such. */
function isEmpty(value: unknown): boolean {
  if (value === undefined || value === null || value === 0) return true;
  if (typeof value === 'string') return value.trim() === '';
  return typeof value === 'object' && Object.values(value).every(isEmpty);
}

function missing(name: string) {
  return invalidInput(name, `Missing ${name}`);
}
