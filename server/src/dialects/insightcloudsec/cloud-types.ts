/** Types of clouds as this vendor calls them, and the core's kinds of accounts. Pure. */

/** Kind -> type, in the order in which they are listed. */
const TYPES: Readonly<Record<string, string>> = {
  aws: 'AWS',
  'aws-gov': 'AWS_GOV',
  'aws-china': 'AWS_CHINA',
  azure: 'AZURE_ARM',
  'azure-gov': 'AZURE_GOV',
  'azure-china': 'AZURE_CHINA',
  gcp: 'GCE',
  alicloud: 'ALICLOUD',
  oci: 'OCI',
  kubernetes: 'K8S',
  platform: 'PLATFORM',
};

const NAMES: Readonly<Record<string, string>> = {
  AWS: 'Amazon Web Services',
  AWS_GOV: 'Amazon Web Services (US government)',
  AWS_CHINA: 'Amazon Web Services (China)',
  AZURE_ARM: 'Microsoft Azure',
  AZURE_GOV: 'Microsoft Azure (US government)',
  AZURE_CHINA: 'Microsoft Azure (China)',
  GCE: 'Google Cloud Platform',
  ALICLOUD: 'Alibaba Cloud',
  OCI: 'Oracle Cloud Infrastructure',
  K8S: 'Kubernetes',
  PLATFORM: 'This platform',
};

const PRIVATE = new Set(['K8S', 'PLATFORM']);

/** Kinds that this vendor does not know (a machine by SSH, say) are called what they are called, in capitals. */
export function cloudTypeOf(kind: string): string {
  return Object.hasOwn(TYPES, kind) ? TYPES[kind]! : kind.toUpperCase().replace(/[^A-Z0-9]/g, '_');
}

/** The kind of a type that accounts can be added of; null: there is no such type. */
export function kindOf(type: string): string | null {
  const found = Object.entries(TYPES).find(([, each]) => each === type.toUpperCase());
  return found === undefined || found[0] === 'platform' ? null : found[0];
}

export const CLOUD_TYPES = Object.values(TYPES).map((type) => ({
  cloud_type_id: type,
  name: NAMES[type] ?? type,
  cloud_access: PRIVATE.has(type) ? 'private' : 'public',
}));

export const KIND_WORDS = TYPES;

/** State of an account -> status. */
export const STATUS_WORDS: Readonly<Record<string, string>> = {
  pending: 'REFRESH',
  ready: 'DEFAULT',
  paused: 'PAUSED',
  'credentials-invalid': 'INVALID_CREDS',
  'role-refused': 'ASSUME_ROLE_FAILED',
  removing: 'DELETE',
};

/** States that other dialects give accounts are in use, as far as this vendor can tell. */
export function statusOf(state: string): string {
  return Object.hasOwn(STATUS_WORDS, state) ? STATUS_WORDS[state]! : 'DEFAULT';
}
