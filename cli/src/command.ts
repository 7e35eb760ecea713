/** What a command is: described as data, from which parsing, help and completion follow. */
import type { Client } from './api/client.js';
import type { Printer } from './output.js';
import type { GlobalOptions } from './settings.js';
import type { World } from './world.js';

export interface Option {
  readonly name: string;
  readonly short?: string;
  /** What stands for the value in help; absent for a switch. */
  readonly value?: string;
  readonly multiple?: true;
  readonly summary: string;
  /** The words a value may be. */
  readonly choices?: readonly string[];
}

export interface Argument {
  readonly name: string;
  readonly summary: string;
  readonly optional?: true;
}

export interface Command {
  readonly summary: string;
  /** More than a line, where the summary leaves questions. */
  readonly description?: string;
  readonly arguments?: readonly Argument[];
  readonly options?: readonly Option[];
  readonly examples?: readonly (readonly [command: string, what: string])[];
  /** Answers the exit code; nothing means 0. */
  run(call: Call): Promise<number | undefined>;
}

/** A command as it was typed. */
export class Call {
  constructor(
    readonly world: World,
    readonly print: Printer,
    readonly globals: GlobalOptions,
    private readonly positionals: ReadonlyMap<string, string>,
    private readonly values: Readonly<
      Record<string, string | boolean | readonly (string | boolean)[] | undefined>
    >,
    private readonly connect: () => Promise<Client>,
  ) {}

  /** A mandatory argument; parsing has made sure it is there. */
  argument(name: string): string {
    const value = this.positionals.get(name);
    if (value === undefined) throw new Error(`argument ${name} is not declared`);
    return value;
  }

  optionalArgument(name: string): string | null {
    return this.positionals.get(name) ?? null;
  }

  text(name: string): string | null {
    const value = this.values[name];
    return typeof value === 'string' ? value : null;
  }

  texts(name: string): readonly string[] {
    const value = this.values[name];
    return Array.isArray(value) ? value.map(String) : [];
  }

  flag(name: string): boolean {
    return this.values[name] === true;
  }

  /** The connection, opened at first use. */
  client(): Promise<Client> {
    return this.connect();
  }
}

export const GLOBAL_OPTIONS: readonly Option[] = [
  {
    name: 'output',
    short: 'o',
    value: 'FORMAT',
    summary: 'table (default), json or yaml',
    choices: ['table', 'json', 'yaml'],
  },
  { name: 'quiet', short: 'q', summary: 'print only ids' },
  { name: 'url', value: 'URL', summary: 'address of the server' },
  { name: 'profile', value: 'NAME', summary: 'profile to use' },
  { name: 'tenant', short: 't', value: 'NAME', summary: 'tenant to work in' },
  {
    name: 'username',
    short: 'u',
    value: 'NAME',
    summary: 'who asks; the password comes from ORRERY_PASSWORD or the profile',
  },
  { name: 'verbose', short: 'v', summary: 'tell every request on standard error' },
  { name: 'help', short: 'h', summary: 'show this' },
];
