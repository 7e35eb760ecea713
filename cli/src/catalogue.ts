/**
 * All commands, noun then verb. Only names and one-line summaries are loaded at start; a noun's commands, and what
 * they need in turn, come when they are asked for. A test keeps the verbs here and in the modules equal.
 */
import type { Command } from './command.js';

export interface Noun {
  readonly name: string;
  readonly summary: string;
  /** Absent: the noun is a command itself. */
  readonly verbs?: readonly string[];
  load(): Promise<Readonly<Record<string, Command>>>;
}

/** The name under which a noun without verbs keeps its only command. */
export const ONLY = '';

export const CATALOGUE: readonly Noun[] = [
  {
    name: 'status',
    summary: 'Is the server well, and who am I there?',
    load: async () => (await import('./commands/status.js')).status,
  },
  {
    name: 'profiles',
    summary: 'Servers you come back to',
    verbs: ['list', 'use', 'add', 'show', 'remove'],
    load: async () => (await import('./commands/profiles.js')).profiles,
  },
  {
    name: 'blueprints',
    summary: 'Descriptions of applications',
    verbs: ['upload', 'list', 'get', 'validate', 'download', 'delete'],
    load: async () => (await import('./commands/blueprints.js')).blueprints,
  },
  {
    name: 'deployments',
    summary: 'Applications made from blueprints',
    verbs: ['create', 'list', 'get', 'outputs', 'capabilities', 'delete'],
    load: async () => (await import('./commands/deployments.js')).deployments,
  },
  {
    name: 'executions',
    summary: 'Workflows at work: install, uninstall, …',
    verbs: ['start', 'follow', 'list', 'get', 'cancel', 'resume', 'operations', 'retry', 'skip'],
    load: async () => (await import('./commands/executions.js')).executions,
  },
  {
    name: 'events',
    summary: 'What happened',
    verbs: ['list'],
    load: async () => (await import('./commands/events.js')).events,
  },
  {
    name: 'nodes',
    summary: 'Parts of a deployment, as described',
    verbs: ['list', 'get'],
    load: async () => (await import('./commands/nodes.js')).nodes,
  },
  {
    name: 'node-instances',
    summary: 'Parts of a deployment, as they run',
    verbs: ['list', 'get'],
    load: async () => (await import('./commands/node-instances.js')).nodeInstances,
  },
  {
    name: 'tenants',
    summary: 'How much of the engine each tenant has',
    verbs: ['limits'],
    load: async () => (await import('./commands/tenants.js')).tenants,
  },
  {
    name: 'config',
    summary: 'Settings of the server in this checkout',
    load: async () => (await import('./commands/config.js')).config,
  },
  {
    name: 'doctor',
    summary: 'What is not well, and the way out',
    load: async () => (await import('./commands/doctor.js')).doctor,
  },
  {
    name: 'completion',
    summary: 'Completion for bash, zsh or fish',
    load: async () => (await import('./commands/completion.js')).completion,
  },
  {
    name: 'version',
    summary: 'Versions of this program and of the server',
    load: async () => (await import('./commands/version.js')).version,
  },
];
