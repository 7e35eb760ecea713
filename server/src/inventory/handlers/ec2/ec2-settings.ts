/** What an account of kind `aws` says, checked: without the SDK, which takes half a second to load. */
import type { EC2ClientConfig } from '@aws-sdk/client-ec2';
import type { JsonObject } from '../../../dsl/plan.js';
import { DomainError } from '../../../errors.js';
import type { Allowlist } from '../../../net/allowlist.js';
import { safeAgents } from '../../../net/safe-agents.js';
import type { CloudAccess } from '../handler.js';

/** What an account of kind `aws` says; everything but the region may be absent. */
/** An instance could be told it as user data only. */
export const EC2_PASSWORDS =
  'an instance of EC2 is given keys; a password could be told to it in its user data only, which stays readable';

export interface Ec2Settings {
  readonly region: string;
  /** Where EC2 answers, instead of Amazon's own address. */
  readonly endpoint: string;
  readonly image: string;
  readonly subnet: string;
  readonly keyName: string;
  readonly securityGroups: readonly string[];
}

/** Milliseconds. */
const CONNECT = 5000;
const ANSWER = 30_000;

/** @throws DomainError `invalid` naming what is missing or wrong */
export function readEc2Settings(settings: JsonObject): Ec2Settings {
  const text = (name: string) => {
    const value = settings[name] ?? '';
    if (typeof value === 'string') return value;
    throw invalid(`"${name}" must be a text`);
  };
  const region = text('region');
  if (!/^[a-z]{2}(-[a-z]+)+-\d$/.test(region))
    throw invalid(`"region" must name a region, as us-east-1, not "${region}"`);
  const endpoint = text('endpoint');
  if (endpoint !== '' && (!URL.canParse(endpoint) || !/^https?:$/.test(new URL(endpoint).protocol))) {
    throw invalid('"endpoint" must be an http or https URL');
  }
  const groups = settings.security_groups ?? [];
  if (!Array.isArray(groups) || groups.some((one) => typeof one !== 'string')) {
    throw invalid('"security_groups" must be a list of ids');
  }
  return {
    region,
    endpoint,
    image: text('image'),
    subnet: text('subnet'),
    keyName: text('key_name'),
    securityGroups: groups as string[],
  };
}

/** What a client is made with. @throws DomainError `invalid` (also `address-not-allowed`) */
export function ec2Config(settings: Ec2Settings, access: CloudAccess, allowlist: Allowlist): EC2ClientConfig {
  const { access_key_id: accessKeyId, secret_access_key: secretAccessKey } = access.secrets;
  const { session_token: sessionToken } = access.secrets;
  if (!accessKeyId || !secretAccessKey) {
    throw invalid('the secrets "access_key_id" and "secret_access_key" are needed');
  }
  const url = new URL(
    settings.endpoint === '' ? `https://ec2.${settings.region}.amazonaws.com` : settings.endpoint,
  );
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const port = url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port);
  return {
    region: settings.region,
    endpoint: url.href,
    credentials: { accessKeyId, secretAccessKey, ...(sessionToken ? { sessionToken } : {}) },
    // The engine repeats: a wait in here would hold a place that others need.
    maxAttempts: 1,
    requestHandler: {
      connectionTimeout: CONNECT,
      requestTimeout: ANSWER,
      ...safeAgents(host, port, allowlist),
    },
  };
}

function invalid(what: string): DomainError {
  return new DomainError('invalid', 'cloud-account-invalid', `The cloud account for EC2: ${what}`);
}
