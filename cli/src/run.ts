/** From a command line to an exit code. */
import { type ParseArgsConfig, parseArgs } from 'node:util';
import type { Client } from './api/client.js';
import { CATALOGUE, type Noun, ONLY } from './catalogue.js';
import { Call, type Command, GLOBAL_OPTIONS, type Option } from './command.js';
import { CliError, ExitCode, UsageError } from './errors.js';
import { type Format, Printer } from './output.js';
import { nearest } from './suggest.js';
import { columnsOf, styleOf, type World } from './world.js';

type Values = Record<string, string | boolean | (string | boolean)[] | undefined>;

/** Runs one command line. Never throws for a trouble of the user or the server: it is told on standard error. */
export async function run(argv: readonly string[], world: World): Promise<number> {
  let printer = new Printer(world, formatHint(argv), false);
  const clients: Client[] = [];
  try {
    const words = leadingWords(argv);
    const [nounName, verbName] = words;
    if (nounName === undefined) {
      if (argv.includes('--version')) return (await import('./commands/version.js')).printOwnVersion(world);
      const wantsHelp = argv.includes('--help') || argv.includes('-h');
      const { helpOverview } = await import('./help.js');
      const stream = wantsHelp ? world.stdout : world.stderr;
      if (!wantsHelp && argv.length > 0) parse(argv, [], 'orrery');
      write(stream, helpOverview(styleOf(world, stream), columnsOf(stream) ?? 100));
      return wantsHelp ? ExitCode.ok : ExitCode.usage;
    }
    if (nounName === 'help') return await run([...words.slice(1), '--help'], world);
    const noun = CATALOGUE.find((each) => each.name === nounName);
    if (noun === undefined) throw unknownNoun(nounName);
    const commands = await noun.load();
    const command = noun.verbs === undefined ? commands[ONLY] : commands[verbName ?? ''];
    if (command === undefined) return await nounWithoutVerb(noun, commands, verbName, argv, world);
    const name = noun.verbs === undefined ? noun.name : `${noun.name} ${verbName}`;

    if (helpWanted(argv)) {
      const { helpCommand } = await import('./help.js');
      write(
        world.stdout,
        helpCommand(name, command, styleOf(world, world.stdout), columnsOf(world.stdout) ?? 100),
      );
      return ExitCode.ok;
    }
    const { values, positionals } = parse(argv, command.options ?? [], name);
    const own = positionals.slice(noun.verbs === undefined ? 1 : 2);
    printer = new Printer(world, (text(values, 'output') ?? 'table') as Format, values.quiet === true);
    const globals = {
      url: text(values, 'url'),
      profile: text(values, 'profile'),
      tenant: text(values, 'tenant'),
      username: text(values, 'username'),
    };
    const trace = values.verbose === true ? (line: string) => printer.note(line) : () => {};
    const connect = async (): Promise<Client> => {
      const open = clients[0];
      if (open) return open;
      const [{ Client }, { resolveConnection }] = await Promise.all([
        import('./api/client.js'),
        import('./settings.js'),
      ]);
      const client = new Client(resolveConnection(world, globals), trace);
      clients.push(client);
      return client;
    };
    const call = new Call(world, printer, globals, placeArguments(command, own, name), values, connect);
    return (await command.run(call)) ?? ExitCode.ok;
  } catch (error) {
    if (!(error instanceof CliError)) throw error;
    printer.trouble(error);
    return error.exitCode;
  } finally {
    for (const client of clients) client.close();
  }
}

async function nounWithoutVerb(
  noun: Noun,
  commands: Readonly<Record<string, Command>>,
  verb: string | undefined,
  argv: readonly string[],
  world: World,
): Promise<number> {
  if (verb !== undefined) {
    const near = nearest(verb, noun.verbs ?? []);
    throw new UsageError(`"${noun.name} ${verb}" is not a command.`, [
      near === null
        ? `Verbs of ${noun.name}: ${(noun.verbs ?? []).join(', ')}`
        : `Did you mean: orrery ${noun.name} ${near}`,
    ]);
  }
  const { helpNoun } = await import('./help.js');
  const wanted = helpWanted(argv);
  const stream = wanted ? world.stdout : world.stderr;
  write(stream, helpNoun(noun, commands, styleOf(world, stream), columnsOf(stream) ?? 100));
  return wanted ? ExitCode.ok : ExitCode.usage;
}

/** Workflows that people type as if they were commands. */
const WORKFLOWS = new Set([
  'install',
  'uninstall',
  'reinstall',
  'heal',
  'scale',
  'restart',
  'execute_operation',
]);

function unknownNoun(typed: string): UsageError {
  const near = nearest(
    typed,
    CATALOGUE.map((noun) => noun.name),
  );
  if (near !== null) return new UsageError(`"${typed}" is not a command.`, [`Did you mean: orrery ${near}`]);
  if (WORKFLOWS.has(typed)) {
    return new UsageError(`"${typed}" is a workflow, not a command.`, [
      `Start it: orrery executions start ${typed} -d DEPLOYMENT --follow`,
    ]);
  }
  const owners = CATALOGUE.filter((noun) => noun.verbs?.includes(typed));
  return new UsageError(
    `"${typed}" is not a command.`,
    owners.length > 0
      ? [`Say the noun first: ${owners.map((noun) => `orrery ${noun.name} ${typed}`).join(', ')}`]
      : [`Commands: ${CATALOGUE.map((noun) => noun.name).join(', ')}`],
  );
}

/** The first two words that are neither options nor values of the options that may stand before them. */
function leadingWords(argv: readonly string[]): string[] {
  const words: string[] = [];
  for (let index = 0; index < argv.length; index++) {
    const each = argv[index] ?? '';
    if (each === '--') break;
    if (!each.startsWith('-') || each === '-') {
      words.push(each);
      continue;
    }
    const option = GLOBAL_OPTIONS.find(
      (known) => each === `--${known.name}` || (known.short !== undefined && each === `-${known.short}`),
    );
    if (option?.value !== undefined) index++;
    else if (option === undefined && words.length >= 1) {
      // An option of the command: what follows may be its value, so no word after it can be the verb.
      break;
    }
  }
  return words;
}

function helpWanted(argv: readonly string[]): boolean {
  const end = argv.indexOf('--');
  const own = end < 0 ? argv : argv.slice(0, end);
  return own.includes('--help') || own.includes('-h');
}

/** The format troubles are told in before the command line is understood. */
function formatHint(argv: readonly string[]): Format {
  const json = argv.some(
    (each, index) =>
      each === '-ojson' ||
      each === '--output=json' ||
      (each === 'json' && (argv[index - 1] === '-o' || argv[index - 1] === '--output')),
  );
  return json ? 'json' : 'table';
}

function parse(
  argv: readonly string[],
  options: readonly Option[],
  name: string,
): { values: Values; positionals: string[] } {
  const known = [...options, ...GLOBAL_OPTIONS];
  const config: NonNullable<ParseArgsConfig['options']> = {};
  for (const option of known) {
    config[option.name] = {
      type: option.value === undefined ? 'boolean' : 'string',
      ...(option.short === undefined ? {} : { short: option.short }),
      ...(option.multiple ? { multiple: true } : {}),
    };
  }
  let parsed: { values: Values; positionals: string[] };
  try {
    parsed = parseArgs({
      args: joined(argv, known),
      options: config,
      allowPositionals: true,
      strict: true,
    }) as typeof parsed;
  } catch (error) {
    throw badOption(error as Error & { code?: string }, known, name);
  }
  for (const option of known) {
    const value = parsed.values[option.name];
    for (const each of Array.isArray(value) ? value : [value]) {
      if (option.choices && typeof each === 'string' && !option.choices.includes(each)) {
        const near = nearest(each, option.choices);
        throw new UsageError(`--${option.name} cannot be "${each}".`, [
          near === null
            ? `It is one of: ${option.choices.join(', ')}`
            : `Did you mean: --${option.name} ${near}`,
        ]);
      }
    }
  }
  return parsed;
}

/** `--sort -id` as `--sort=-id`: after an option that needs a value, `-id` is meant as the value. */
function joined(argv: readonly string[], known: readonly Option[]): string[] {
  const args: string[] = [];
  for (let index = 0; index < argv.length; index++) {
    const each = argv[index] ?? '';
    const next = argv[index + 1];
    const needsValue = known.some((option) => option.value !== undefined && each === `--${option.name}`);
    if (needsValue && next !== undefined && /^-[^-]./.test(next)) {
      args.push(`${each}=${next}`);
      index++;
    } else args.push(each);
  }
  return args;
}

function badOption(error: Error & { code?: string }, known: readonly Option[], name: string): UsageError {
  const help = `All options: orrery ${name === 'orrery' ? '' : `${name} `}--help`;
  if (error.code === 'ERR_PARSE_ARGS_UNKNOWN_OPTION') {
    const typed = /'(--?[^']+)'/.exec(error.message)?.[1] ?? '';
    const near = nearest(
      typed.replace(/^-+/, '').replace(/=.*$/, ''),
      known.map((option) => option.name),
    );
    return new UsageError(
      `${typed} is not an option of ${name}.`,
      near !== null && typed.startsWith('--') ? [`Did you mean: --${near}`, help] : [help],
    );
  }
  const typed = /'([^']+)'/.exec(error.message)?.[1] ?? '';
  const option = known.find((each) => typed.includes(`--${each.name}`));
  if (option !== undefined && option.value === undefined) {
    return new UsageError(`--${option.name} takes no value.`, [help]);
  }
  if (option !== undefined) {
    return new UsageError(`--${option.name} needs a value: --${option.name} ${option.value}`, [
      `A value that begins with "-" is written --${option.name}=VALUE`,
    ]);
  }
  return new UsageError(error.message.split('\n')[0] ?? error.message, [help]);
}

function placeArguments(command: Command, given: readonly string[], name: string): Map<string, string> {
  const declared = command.arguments ?? [];
  const placed = new Map<string, string>();
  for (const [index, argument] of declared.entries()) {
    const value = given[index];
    if (value !== undefined && value !== '') placed.set(argument.name, value);
    else if (!argument.optional) {
      throw new UsageError(`${argument.name} is missing: ${argument.summary}.`, [
        `Usage: orrery ${name} ${declared.map((each) => (each.optional ? `[${each.name}]` : each.name)).join(' ')} [OPTIONS]`,
      ]);
    }
  }
  const extra = given[declared.length];
  if (extra !== undefined) {
    throw new UsageError(`"${extra}" is one word too many.`, [`See: orrery ${name} --help`]);
  }
  return placed;
}

function text(values: Values, name: string): string | undefined {
  const value = values[name];
  return typeof value === 'string' ? value : undefined;
}

function write(stream: { write(text: string): unknown }, lines: readonly string[]): void {
  stream.write(`${lines.join('\n')}\n`);
}
