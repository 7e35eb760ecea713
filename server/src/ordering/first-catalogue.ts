/** The parts of a tenant's first contents that are only data (first-contents.ts). Pure. */
import type { Json, JsonObject } from '../dsl/plan.js';
import type { NewAction } from './actions.js';
import type { Network } from './environments.js';

export interface FirstParameter {
  readonly name: string;
  readonly label: string;
  readonly description: string;
  readonly type: string;
  readonly constraints?: JsonObject;
}

/** Known to the server itself; usable in every environment. */
export const FIRST_PARAMETERS: readonly FirstParameter[] = [
  {
    name: 'cpu_cnt',
    label: 'CPU Count',
    description: 'Processors of the server',
    type: 'INT',
    constraints: { minimum: 1, maximum: 64 },
  },
  {
    name: 'mem_size',
    label: 'Mem Size',
    description: 'Memory in GB, or with a unit: 512 MB',
    type: 'DEC',
  },
  {
    name: 'disk_size',
    label: 'Disk Size',
    description: 'GB of the first disk, or of the one that is named; it only grows',
    type: 'INT',
    constraints: { minimum: 1, maximum: 1024 },
  },
  {
    name: 'new_disk_size',
    label: 'New Disk Size',
    description: 'GB of one more disk',
    type: 'INT',
    constraints: { minimum: 1, maximum: 1024 },
  },
  {
    name: 'expiration_date',
    label: 'Expiration Date',
    description: 'The day from which the server has expired',
    type: 'DATE',
  },
  { name: 'new_password', label: 'New Password', description: 'Of the first login', type: 'PWD' },
  { name: 'sc_nic_0', label: 'NIC 0', description: 'Network of the first NIC', type: 'NET' },
];

export const FIRST_PRECONFIGURATIONS: readonly {
  readonly name: string;
  readonly label: string;
  readonly description: string;
  readonly choices: Readonly<Record<string, Readonly<Record<string, Json>>>>;
}[] = [
  {
    name: 'vm_size',
    label: 'VM Size',
    description: 'Processors and memory together',
    choices: {
      small: { cpu_cnt: 1, mem_size: 1 },
      medium: { cpu_cnt: 2, mem_size: 4 },
      large: { cpu_cnt: 4, mem_size: 8 },
    },
  },
  {
    name: 'sw_stack',
    label: 'SW Stack',
    description: 'What the server is for',
    choices: { Dev: { disk_size: 10 }, Prod: { disk_size: 40 } },
  },
];

/** Of the environment on this machine. */
export const FIRST_NETWORKS: readonly Network[] = [
  { id: 'front', name: 'Front' },
  { id: 'back', name: 'Back' },
];

export const FIRST_OS_BUILDS = [
  {
    name: 'Local Linux',
    description: 'A process of this machine, with the programs of this machine',
    image: 'local-linux',
  },
  {
    name: 'Local Linux Minimal',
    description: 'Likewise, for the smallest of servers',
    image: 'local-linux-minimal',
  },
] as const;

const GREET = `#!/bin/sh
# Runs on the server, or for it where it has no shell of its own.
echo "Hello from \${GREETING_NAME:-the server}"
`;
const WELCOME = `#!/bin/sh
# The page that the service shows.
printf '%s\\n' "\${page_title:-Welcome}"
`;

/** `greet` is offered on servers; `welcome` is an item of the service. */
export const FIRST_ACTIONS = {
  greet: {
    name: 'Say Hello',
    description: 'Says hello, to show what an action is',
    kind: 'script',
    scriptFilename: 'say_hello.sh',
    source: GREET,
    inputs: [],
  },
  welcome: {
    name: 'Install Welcome Page',
    description: 'Makes the page that a new service shows',
    kind: 'script',
    scriptFilename: 'install_welcome_page.sh',
    source: WELCOME,
    inputs: [
      {
        name: 'page_title',
        label: 'Page Title',
        description: 'What stands on top of it',
        type: 'STR',
        required: false,
        options: null,
        constraints: {},
        default: 'Welcome',
      },
    ],
  },
} as const satisfies Record<string, NewAction>;
