/** Help, from the same descriptions that parsing uses. Pure. */
import { CATALOGUE, type Noun } from './catalogue.js';
import { type Command, GLOBAL_OPTIONS, type Option } from './command.js';
import type { Style } from './terminal/style.js';
import { padEnd, width, wrap } from './terminal/text.js';

export function helpOverview(style: Style, columns: number): string[] {
  return [
    `${style.paint('strong', 'orrery')} drives an Orrery server.`,
    '',
    `Usage: orrery NOUN VERB [ARGUMENTS] [OPTIONS]`,
    '',
    ...section(
      'Nouns',
      CATALOGUE.map((noun) => [
        noun.name,
        noun.verbs ? `${noun.summary} (${noun.verbs.join(', ')})` : noun.summary,
      ]),
      style,
      columns,
    ),
    '',
    ...section('Options everywhere', GLOBAL_OPTIONS.map(optionLine), style, columns),
    '',
    ...section(
      'A first walk',
      [
        ['orrery blueprints upload ./examples/hello-world', ''],
        ['orrery deployments create hello -b hello-world', ''],
        ['orrery executions start install -d hello --follow', ''],
        ['orrery deployments capabilities hello', ''],
      ],
      style,
      columns,
    ),
    '',
    'orrery NOUN --help and orrery NOUN VERB --help tell more.',
  ];
}

export function helpNoun(
  noun: Noun,
  commands: Readonly<Record<string, Command>>,
  style: Style,
  columns: number,
): string[] {
  return [
    `${style.paint('strong', `orrery ${noun.name}`)}: ${noun.summary}`,
    '',
    `Usage: orrery ${noun.name} VERB [ARGUMENTS] [OPTIONS]`,
    '',
    ...section(
      'Verbs',
      (noun.verbs ?? []).map((verb) => [verb, commands[verb]?.summary ?? '']),
      style,
      columns,
    ),
    '',
    `orrery ${noun.name} VERB --help tells more.`,
  ];
}

/** `orrery deployments create DEPLOYMENT -b BLUEPRINT [OPTIONS]` */
export function usage(name: string, command: Command): string {
  const args = (command.arguments ?? []).map((each) => (each.optional ? `[${each.name}]` : each.name));
  return ['orrery', name, ...args, '[OPTIONS]'].join(' ');
}

export function helpCommand(name: string, command: Command, style: Style, columns: number): string[] {
  const lines = [
    `${style.paint('strong', `orrery ${name}`)}: ${command.summary}`,
    '',
    `Usage: ${usage(name, command)}`,
  ];
  if (command.description) {
    lines.push('', ...command.description.split('\n').flatMap((line) => wrap(line, Math.min(columns, 100))));
  }
  if (command.arguments?.length) {
    lines.push(
      '',
      ...section(
        'Arguments',
        command.arguments.map((each) => [each.name, each.summary]),
        style,
        columns,
      ),
    );
  }
  if (command.options?.length) {
    lines.push('', ...section('Options', command.options.map(optionLine), style, columns));
  }
  lines.push('', ...section('Options everywhere', GLOBAL_OPTIONS.map(optionLine), style, columns));
  if (command.examples?.length) {
    lines.push('', style.paint('strong', 'Examples'));
    for (const [example, what] of command.examples) {
      if (what !== '') lines.push(style.paint('quiet', `  # ${what}`));
      lines.push(`  ${example}`);
    }
  }
  return lines;
}

function optionLine(option: Option): [string, string] {
  const short = option.short === undefined ? '    ' : `-${option.short}, `;
  const value = option.value === undefined ? '' : ` ${option.value}`;
  const choices =
    option.choices === undefined || option.choices.every((choice) => option.summary.includes(choice))
      ? ''
      : ` (${option.choices.join(', ')})`;
  return [
    `${short}--${option.name}${value}`,
    `${option.summary}${choices}${option.multiple ? '; may be repeated' : ''}`,
  ];
}

function section(
  title: string,
  rows: readonly (readonly [name: string, text: string])[],
  style: Style,
  columns: number,
): string[] {
  const left = Math.max(...rows.map(([name]) => width(name)));
  const room = Math.max(24, columns - left - 4);
  return [
    style.paint('strong', title),
    ...rows.flatMap(([name, text]) =>
      wrap(text, room).map((line, index) =>
        `  ${index === 0 ? style.paint('busy', padEnd(name, left)) : ' '.repeat(left)}  ${line}`.trimEnd(),
      ),
    ),
  ];
}
