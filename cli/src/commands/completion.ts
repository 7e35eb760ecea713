/** Scripts for shells, written from the catalogue, so that pressing Tab never starts this program. */
import { CATALOGUE } from '../catalogue.js';
import { type Command, GLOBAL_OPTIONS, type Option } from '../command.js';

interface Known {
  readonly noun: string;
  readonly summary: string;
  readonly verbs: readonly {
    readonly name: string;
    readonly summary: string;
    readonly options: readonly Option[];
  }[];
}

export const completion: Record<string, Command> = {
  '': {
    summary: 'Completion for bash, zsh or fish',
    arguments: [{ name: 'SHELL', summary: 'bash, zsh or fish' }],
    examples: [
      ['source <(orrery completion bash)', 'bash; for good: add it to ~/.bashrc'],
      ['source <(orrery completion zsh)', 'zsh; for good: add it to ~/.zshrc'],
      ['orrery completion fish > ~/.config/fish/completions/orrery.fish', ''],
    ],
    async run(call) {
      const shell = call.argument('SHELL');
      const writers: Record<string, (known: readonly Known[]) => string[]> = { bash, zsh, fish };
      const writer = writers[shell];
      if (writer === undefined) {
        const { UsageError } = await import('../errors.js');
        throw new UsageError(`"${shell}" is not a shell we know.`, ['bash, zsh and fish are']);
      }
      call.print.lines(writer(await everything()));
      return undefined;
    },
  },
};

async function everything(): Promise<Known[]> {
  return Promise.all(
    CATALOGUE.map(async (noun) => {
      const commands = await noun.load();
      return {
        noun: noun.name,
        summary: noun.summary,
        verbs: (noun.verbs ?? ['']).map((verb) => ({
          name: verb,
          summary: commands[verb]?.summary ?? '',
          options: commands[verb]?.options ?? [],
        })),
      };
    }),
  );
}

const long = (options: readonly Option[]): string => options.map((option) => `--${option.name}`).join(' ');

function bash(known: readonly Known[]): string[] {
  const nouns = known.map((each) => each.noun).join(' ');
  const globals = long(GLOBAL_OPTIONS);
  return [
    '_orrery() {',
    `  local cur="\${COMP_WORDS[COMP_CWORD]}" noun="\${COMP_WORDS[1]}" verb="\${COMP_WORDS[2]}" words=""`,
    '  COMPREPLY=()',
    `  if [ "$COMP_CWORD" -eq 1 ]; then COMPREPLY=($(compgen -W "${nouns}" -- "$cur")); return; fi`,
    '  if [ "$COMP_CWORD" -eq 2 ] && [[ "$cur" != -* ]]; then',
    '    case "$noun" in',
    ...known
      .filter((each) => each.verbs.some((verb) => verb.name !== ''))
      .map((each) => `      ${each.noun}) words="${each.verbs.map((verb) => verb.name).join(' ')}" ;;`),
    '      completion) words="bash zsh fish" ;;',
    '    esac',
    '    COMPREPLY=($(compgen -W "$words" -- "$cur")); return',
    '  fi',
    '  if [[ "$cur" == -* ]]; then',
    '    case "$noun $verb" in',
    ...known.flatMap((each) =>
      each.verbs
        .filter((verb) => verb.options.length > 0)
        .map((verb) => `      "${each.noun} ${verb.name}"*) words="${long(verb.options)}" ;;`),
    ),
    '    esac',
    `    COMPREPLY=($(compgen -W "$words ${globals}" -- "$cur")); return`,
    '  fi',
    '  COMPREPLY=($(compgen -f -- "$cur"))',
    '}',
    'complete -o filenames -F _orrery orrery',
  ];
}

const quoted = (text: string): string => `'${text.replaceAll("'", "'\\''")}'`;

function zsh(known: readonly Known[]): string[] {
  const described = (name: string, summary: string): string =>
    quoted(`${name.replaceAll(':', '\\:')}:${summary}`);
  return [
    '#compdef orrery',
    '_orrery() {',
    '  local -a words_',
    '  if (( CURRENT == 2 )); then',
    `    words_=(${known.map((each) => described(each.noun, each.summary)).join(' ')})`,
    "    _describe 'noun' words_; return",
    '  fi',
    '  if (( CURRENT == 3 )); then',
    '    case $words[2] in',
    ...known
      .filter((each) => each.verbs.some((verb) => verb.name !== ''))
      .map(
        (each) =>
          `      ${each.noun}) words_=(${each.verbs.map((verb) => described(verb.name, verb.summary)).join(' ')}); _describe 'verb' words_; return ;;`,
      ),
    "      completion) words_=(bash zsh fish); _describe 'shell' words_; return ;;",
    '    esac',
    '  fi',
    '  if [[ $words[CURRENT] == -* ]]; then',
    '    case "$words[2] $words[3]" in',
    ...known.flatMap((each) =>
      each.verbs
        .filter((verb) => verb.options.length > 0)
        .map(
          (verb) =>
            `      ${quoted(`${each.noun} ${verb.name}`)}*) words_=(${verb.options.map((option) => described(`--${option.name}`, option.summary)).join(' ')}) ;;`,
        ),
    ),
    '    esac',
    `    words_+=(${GLOBAL_OPTIONS.map((option) => described(`--${option.name}`, option.summary)).join(' ')})`,
    "    _describe 'option' words_; return",
    '  fi',
    '  _files',
    '}',
    'compdef _orrery orrery',
  ];
}

function fish(known: readonly Known[]): string[] {
  const option = (each: Option, condition: string): string =>
    [
      'complete -c orrery',
      condition,
      `-l ${each.name}`,
      each.short === undefined ? '' : `-s ${each.short}`,
      each.value === undefined ? '' : '-r',
      each.choices === undefined ? '' : `-a ${quoted(each.choices.join(' '))}`,
      `-d ${quoted(each.summary)}`,
    ]
      .filter((part) => part !== '')
      .join(' ');
  return known
    .flatMap((each) => [
      `complete -c orrery -f -n __fish_use_subcommand -a ${each.noun} -d ${quoted(each.summary)}`,
      ...each.verbs
        .filter((verb) => verb.name !== '')
        .map(
          (verb) =>
            `complete -c orrery -f -n ${quoted(`__fish_seen_subcommand_from ${each.noun}; and test (count (commandline -opc)) -eq 2`)} -a ${verb.name} -d ${quoted(verb.summary)}`,
        ),
      ...each.verbs.flatMap((verb) => {
        const condition = `-n ${quoted(`__fish_seen_subcommand_from ${each.noun}${verb.name === '' ? '' : `; and __fish_seen_subcommand_from ${verb.name}`}`)}`;
        return verb.options.map((each_) => option(each_, condition));
      }),
    ])
    .concat(
      GLOBAL_OPTIONS.map((each) => option(each, '')),
      [`complete -c orrery -f -n '__fish_seen_subcommand_from completion' -a 'bash zsh fish'`],
    );
}
