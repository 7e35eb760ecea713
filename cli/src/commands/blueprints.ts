import { createWriteStream, existsSync } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Client } from '../api/client.js';
import { type FormBody, formWithFile } from '../api/multipart.js';
import { LONG_PATIENCE, path } from '../api/paths.js';
import type { BlueprintRecord } from '../api/wire.js';
import { type BlueprintSource, blueprintSource, idFrom, isUrl } from '../archive.js';
import type { Call, Command, Option } from '../command.js';
import { CliError, ExitCode, UsageError } from '../errors.js';
import { readLabels } from '../inputs.js';
import { fetchList, LIST_OPTIONS } from '../listing.js';
import { type Entry, inline } from '../output.js';
import { LiveBlock } from '../terminal/live.js';
import { statusTone } from '../terminal/style.js';
import { clean, cleanLines } from '../terminal/text.js';
import { dateTime } from '../terminal/time.js';

const BLUEPRINT = { name: 'BLUEPRINT', summary: 'id of the blueprint' };
const SOURCE = {
  name: 'PATH',
  summary:
    'a folder with blueprint.yaml, a YAML file, an archive (.zip .tar .tar.gz .tar.bz2), or a URL of one',
};
const SOURCE_OPTIONS: readonly Option[] = [
  { name: 'blueprint', short: 'b', value: 'ID', summary: 'id to give it (the name of the folder or file)' },
  { name: 'main-file', short: 'n', value: 'FILE', summary: 'the blueprint’s main file (blueprint.yaml)' },
];

export const blueprints: Record<string, Command> = {
  upload: {
    summary: 'Send a blueprint to the server',
    description:
      'A folder is packed while it is sent; version control folders and node_modules stay out. A YAML file stands for its folder, with it as the main file. A URL is fetched by the server.',
    arguments: [SOURCE],
    options: [
      ...SOURCE_OPTIONS,
      {
        name: 'visibility',
        value: 'WHO',
        summary: 'private, tenant (default) or global',
        choices: ['private', 'tenant', 'global'],
      },
      { name: 'label', short: 'l', value: 'KEY=VALUE', multiple: true, summary: 'label it' },
    ],
    examples: [
      ['orrery blueprints upload ./hello-world', 'id: hello-world'],
      ['orrery blueprints upload shop/staging.yaml -b shop-staging', ''],
      ['orrery blueprints upload https://example.org/shop.zip -b shop', ''],
    ],
    async run(call) {
      const { record, id } = await send(call, '');
      const nodes = record.plan?.nodes?.length;
      const inputs = Object.keys(record.plan?.inputs ?? {}).length;
      const size =
        nodes === undefined
          ? ''
          : ` (${count(nodes, 'node')}${inputs > 0 ? `, ${count(inputs, 'input')}` : ''})`;
      await call.print.done(`Blueprint ${id} uploaded${size}`, record, id);
      return undefined;
    },
  },
  validate: {
    summary: 'Let the server check a blueprint without keeping it',
    arguments: [SOURCE],
    options: SOURCE_OPTIONS,
    examples: [['orrery blueprints validate ./hello-world', '']],
    async run(call) {
      const { record, id } = await send(call, '/validate');
      await call.print.done(
        `${call.argument('PATH')} is a valid blueprint`,
        record ?? { id, valid: true },
        id,
      );
      return undefined;
    },
  },
  list: {
    summary: 'The blueprints of the tenant',
    options: LIST_OPTIONS,
    async run(call) {
      const client = await call.client();
      const page = await fetchList<BlueprintRecord>(client, '/blueprints', call, {
        // The plans would be most of the answer; records as they are only when somebody wants records.
        ...(call.print.format === 'table'
          ? { _include: 'id,description,main_file_name,state,created_at,created_by,visibility' }
          : {}),
      });
      await call.print.list(
        page,
        [
          { title: 'id', value: (row) => row.id, tone: () => 'strong', shrinks: 'last' },
          { title: 'state', value: (row) => row.state, tone: (row) => statusTone(row.state) },
          { title: 'created', value: (row) => dateTime(row.created_at, call.print.onTerminal) },
          { title: 'by', value: (row) => row.created_by },
          { title: 'visibility', value: (row) => row.visibility },
          { title: 'description', value: (row) => row.description, shrinks: 'first' },
        ],
        (row) => row.id,
        { one: 'blueprint', many: 'blueprints' },
      );
      return undefined;
    },
  },
  get: {
    summary: 'One blueprint, with the inputs it asks for',
    arguments: [BLUEPRINT],
    async run(call) {
      const client = await call.client();
      const record = await client.get<BlueprintRecord>(path('blueprints', call.argument('BLUEPRINT')));
      await call.print.record(record, record.id, () => entriesOf(record, call));
      return undefined;
    },
  },
  download: {
    summary: 'Fetch the archive of a blueprint',
    arguments: [BLUEPRINT],
    options: [
      {
        name: 'file',
        short: 'f',
        value: 'FILE',
        summary: 'where to (the name the server gives); - is standard output',
      },
    ],
    async run(call) {
      const client = await call.client();
      const id = call.argument('BLUEPRINT');
      const response = await client.download(path('blueprints', id, 'archive'));
      const wanted = call.text('file');
      if (wanted === '-') {
        await pipeline(response, process.stdout, { end: false });
        return undefined;
      }
      const given = /filename="?([^";]+)"?/.exec(response.headers['content-disposition'] ?? '')?.[1];
      // The server names a file, never a folder: only the last part of its name counts.
      const target = resolve(call.world.cwd, wanted ?? (basename(given ?? '') || `${idFrom(id)}.tar.gz`));
      if (wanted === null && existsSync(target)) {
        response.destroy();
        throw new CliError(`${target} is already there.`, ExitCode.failed, ['Write over it: --file FILE']);
      }
      const partial = `${target}.part`;
      try {
        await pipeline(response, createWriteStream(partial));
        await rename(partial, target);
      } catch (error) {
        await rm(partial, { force: true });
        throw new CliError(`Downloading to ${target} failed: ${(error as Error).message}`, ExitCode.failed);
      }
      await call.print.done(`Blueprint ${id} is in ${target}`, { id, file: target }, target);
      return undefined;
    },
  },
  delete: {
    summary: 'Delete a blueprint',
    arguments: [BLUEPRINT],
    options: [{ name: 'force', short: 'f', summary: 'also when another blueprint imports it' }],
    async run(call) {
      const client = await call.client();
      const id = call.argument('BLUEPRINT');
      await client.delete(path('blueprints', id), call.flag('force') ? { force: true } : {});
      await call.print.done(`Blueprint ${id} deleted`, { id }, id);
      return undefined;
    },
  },
};

function entriesOf(record: BlueprintRecord, call: Call): Entry[] {
  const entries: Entry[] = [
    ['id', clean(record.id), 'strong'],
    ['state', clean(record.state ?? '-'), statusTone(record.state)],
    ['main file', clean(record.main_file_name ?? '-')],
    ['description', clean(record.description || '-')],
    ['visibility', `${record.visibility}, tenant ${clean(record.tenant_name)}`],
    ['created', `${dateTime(record.created_at, call.print.onTerminal)} by ${clean(record.created_by)}`],
  ];
  if (record.labels?.length) {
    entries.push(['labels', record.labels.map((label) => clean(`${label.key}=${label.value}`)).join('\n')]);
  }
  if (record.plan?.nodes) entries.push(['nodes', String(record.plan.nodes.length)]);
  const inputs = Object.entries(record.plan?.inputs ?? {}).map(([name, input]) => {
    const must = input.default === undefined ? 'required' : `default ${inline(input.default)}`;
    const type = input.type ? `${clean(input.type)}, ` : '';
    return `${clean(name)}  (${type}${must})${input.description ? `  ${clean(input.description)}` : ''}`;
  });
  if (inputs.length > 0) entries.push(['inputs', inputs.join('\n')]);
  if (record.error) entries.push(['error', cleanLines(record.error).join('\n'), 'bad']);
  return entries;
}

async function send(call: Call, suffix: '' | '/validate'): Promise<{ record: BlueprintRecord; id: string }> {
  const given = call.argument('PATH');
  const remote = isUrl(given);
  const source = remote ? null : await blueprintSource(given, call.world.cwd);
  const suggested = source?.suggestedId ?? null;
  const id = call.text('blueprint') ?? suggested;
  if (id === null)
    throw new UsageError('A blueprint from a URL needs an id.', ['Give it one: --blueprint ID']);
  const mainFile = call.text('main-file') ?? source?.mainFile ?? null;
  const labels = readLabels(call.texts('label'));
  const parameters = {
    ...(mainFile === null ? {} : { application_file_name: encodeURIComponent(mainFile) }),
    ...(call.text('visibility') === null ? {} : { visibility: call.text('visibility') }),
    ...(remote ? { blueprint_archive_url: given } : {}),
    ...(labels.length > 0 ? { labels } : {}),
  };
  const client = await call.client();
  const meter = source === null ? null : new Meter(call, source);
  try {
    const body = formWithFile(
      { name: 'params', json: parameters },
      source === null || meter === null
        ? null
        : {
            name: 'blueprint_archive',
            fileName: source.fileName,
            stream: meter.counted(await source.open()),
          },
    );
    const record = await put(client, `${path('blueprints', id)}${suffix}`, body);
    return { record, id };
  } finally {
    meter?.close();
  }
}

function put(client: Client, target: string, body: FormBody): Promise<BlueprintRecord> {
  return client.send<BlueprintRecord>('PUT', target, { body, patience: LONG_PATIENCE });
}

/** Counts what was sent and, on a terminal, shows it. */
class Meter {
  private sent = 0;
  private drawn = 0;
  private readonly live: LiveBlock | null;
  private readonly whole: string;

  constructor(
    private readonly call: Call,
    private readonly source: BlueprintSource,
  ) {
    const { print, world } = call;
    const shows = world.stderr.isTTY === true && world.env.TERM !== 'dumb' && !print.quiet;
    this.live = shows ? new LiveBlock(world.stderr) : null;
    this.whole = source.size === null ? '' : ` of ${bytes(source.size)}`;
  }

  async *counted(stream: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    for await (const chunk of stream) {
      this.sent += chunk.length;
      const now = this.call.world.now();
      if (this.live !== null && now - this.drawn > 100) {
        this.drawn = now;
        this.live.draw([`Sending ${this.source.fileName}: ${bytes(this.sent)}${this.whole}`]);
      }
      yield chunk;
    }
  }

  close(): void {
    this.live?.close();
  }
}

export function bytes(size: number): string {
  if (size < 1024) return `${size} B`;
  if (size < 1024 * 1024) return `${(size / 1024).toFixed(1)} KB`;
  return `${(size / 1024 / 1024).toFixed(1)} MB`;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
