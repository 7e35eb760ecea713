import type { Client } from '../api/client.js';
import { path } from '../api/paths.js';
import { type ExecutionRecord, isFinal, type Page } from '../api/wire.js';
import type { Call, Command, Option } from '../command.js';
import { CliError, ExitCode, UsageError } from '../errors.js';
import { readInputs } from '../inputs.js';
import { fetchList, LIST_OPTIONS } from '../listing.js';
import { type Entry, inline } from '../output.js';
import { statusTone } from '../terminal/style.js';
import { clean, cleanLines } from '../terminal/text.js';
import { dateTime, span } from '../terminal/time.js';
import { decisions } from './decisions.js';

const EXECUTION = { name: 'EXECUTION', summary: 'id of the execution' };
const FOLLOW: readonly Option[] = [
  { name: 'follow', summary: 'watch it to its end' },
  { name: 'no-logs', summary: 'when watching, leave out what scripts and plugins log' },
];
const FOLLOWING =
  'The exit code tells the end: 0 completed, 3 failed or cancelled. Ctrl-C ends the watching, not the execution.';

export const executions: Record<string, Command> = {
  start: {
    summary: 'Start a workflow on a deployment',
    description: FOLLOWING,
    arguments: [{ name: 'WORKFLOW', summary: 'install, uninstall, execute_operation, …' }],
    options: [
      { name: 'deployment', short: 'd', value: 'ID', summary: 'the deployment (required)' },
      {
        name: 'parameter',
        short: 'p',
        value: 'NAME=VALUE|FILE',
        multiple: true,
        summary: 'a parameter, its value read as YAML; or a YAML or JSON file of them',
      },
      ...FOLLOW,
      { name: 'allow-custom-parameters', summary: 'let parameters pass that the workflow does not name' },
      { name: 'force', short: 'f', summary: 'even while another execution runs on the deployment' },
      { name: 'queue', summary: 'after the one that runs, instead of refusing' },
      { name: 'dry-run', summary: 'walk the plan without touching anything' },
    ],
    examples: [
      ['orrery executions start install -d hello --follow', ''],
      [
        'orrery executions start execute_operation -d hello -p operation=cloudify.interfaces.lifecycle.start',
        '',
      ],
    ],
    async run(call) {
      const deployment = call.text('deployment');
      if (deployment === null) {
        throw new UsageError('On which deployment? --deployment is missing.', [
          'See them: orrery deployments list',
        ]);
      }
      const parameters = await readInputs(call.texts('parameter'), call.world.cwd, 'p');
      const client = await call.client();
      const record = await client.post<ExecutionRecord>('/executions', {
        deployment_id: deployment,
        workflow_id: call.argument('WORKFLOW'),
        parameters,
        allow_custom_parameters: call.flag('allow-custom-parameters'),
        force: call.flag('force'),
        queue: call.flag('queue'),
        dry_run: call.flag('dry-run'),
      });
      return started(call, client, record, 'started');
    },
  },
  follow: {
    summary: 'Watch an execution to its end',
    description: `${FOLLOWING} On a terminal there is a live progress bar under the events; elsewhere one plain line per event. With -o json every event is a JSON line, the last line the execution.`,
    arguments: [{ ...EXECUTION, optional: true }],
    options: [
      {
        name: 'deployment',
        short: 'd',
        value: 'ID',
        summary: 'instead of EXECUTION: the latest of a deployment',
      },
      { name: 'no-logs', summary: 'leave out what scripts and plugins log' },
    ],
    async run(call) {
      const client = await call.client();
      return follow(call, client, await wanted(call, client));
    },
  },
  list: {
    summary: 'Executions, the newest first',
    options: [
      { name: 'deployment', short: 'd', value: 'ID', summary: 'only those of a deployment' },
      { name: 'workflow', short: 'w', value: 'NAME', summary: 'only those of a workflow' },
      {
        name: 'status',
        short: 's',
        value: 'STATUS',
        multiple: true,
        summary: 'only those in a status: started, failed, …',
      },
      { name: 'system', summary: 'also the server’s own' },
      ...LIST_OPTIONS.filter((option) => option.name !== 'search'),
    ],
    async run(call) {
      const client = await call.client();
      const page = await fetchList<ExecutionRecord>(client, '/executions', call, {
        deployment_id: call.text('deployment'),
        workflow_id: call.text('workflow'),
        ...(call.texts('status').length > 0 ? { status: call.texts('status').map(statusOnTheWire) } : {}),
        ...(call.flag('system') ? { _include_system_workflows: true } : {}),
        ...(call.texts('sort').length > 0 ? {} : { _sort: '-created_at' }),
      });
      await call.print.list(
        page,
        [
          { title: 'id', value: (row) => row.id },
          { title: 'workflow', value: (row) => row.workflow_id, tone: () => 'strong', shrinks: 'first' },
          { title: 'deployment', value: (row) => row.deployment_id, shrinks: 'first' },
          { title: 'status', value: statusWord, tone: (row) => statusTone(row.status) },
          { title: 'operations', value: progressWord, align: 'right' },
          { title: 'created', value: (row) => dateTime(row.created_at, call.print.onTerminal) },
          { title: 'took', value: (row) => took(row, call.world.now()), align: 'right' },
        ],
        (row) => row.id,
        { one: 'execution', many: 'executions' },
      );
      return undefined;
    },
  },
  get: {
    summary: 'One execution, with its parameters and error',
    arguments: [EXECUTION],
    async run(call) {
      const client = await call.client();
      const record = await client.get<ExecutionRecord>(path('executions', call.argument('EXECUTION')));
      await call.print.record(record, record.id, () => entriesOf(record, call));
      return undefined;
    },
  },
  cancel: {
    summary: 'Stop an execution',
    description:
      'Plain: nothing new is begun and what runs is asked to end. --force: also what runs is dropped. --kill: processes are killed at once. The deployment stays as it is then; resume goes on, uninstall clears up.',
    arguments: [EXECUTION],
    options: [
      { name: 'force', short: 'f', summary: 'do not wait for operations that run' },
      { name: 'kill', short: 'k', summary: 'kill at once' },
      ...FOLLOW,
    ],
    async run(call) {
      if (call.flag('force') && call.flag('kill'))
        throw new UsageError('--force and --kill exclude each other.');
      const client = await call.client();
      const record = await client.post<ExecutionRecord>(path('executions', call.argument('EXECUTION')), {
        action: call.flag('kill') ? 'kill' : call.flag('force') ? 'force-cancel' : 'cancel',
      });
      if (!call.flag('follow')) {
        await call.print.done(
          `${clean(record.workflow_id)} of ${clean(record.deployment_id ?? '-')} is ${statusWord(record)}`,
          record,
          record.id,
        );
        return undefined;
      }
      const code = await follow(call, client, record.id);
      // The end that was asked for is not a failure.
      const end = await client.get<ExecutionRecord>(path('executions', record.id));
      return code === ExitCode.executionFailed && end.status === 'cancelled' ? ExitCode.ok : code;
    },
  },
  resume: {
    summary: 'Go on with a failed or cancelled execution',
    description: `What was done stays done; what failed or was not reached is tried again. ${FOLLOWING}`,
    arguments: [EXECUTION],
    options: [
      {
        name: 'force',
        short: 'f',
        summary: 'also run again what was interrupted and does not say that it may be',
      },
      ...FOLLOW,
    ],
    async run(call) {
      const client = await call.client();
      const record = await client.post<ExecutionRecord>(path('executions', call.argument('EXECUTION')), {
        action: call.flag('force') ? 'force-resume' : 'resume',
      });
      return started(call, client, record, 'goes on');
    },
  },
  ...decisions(async (call, id) => follow(call, await call.client(), id), FOLLOW),
};

async function started(
  call: Call,
  client: Client,
  record: ExecutionRecord,
  verb: string,
): Promise<number | undefined> {
  if (call.flag('follow')) return follow(call, client, record.id);
  const name = `${clean(record.workflow_id)} of ${clean(record.deployment_id ?? '-')}`;
  const word = record.status === 'queued' || record.status === 'scheduled' ? `is ${record.status}` : verb;
  await call.print.done(`${name} ${word}: ${record.id}`, record, record.id);
  if (call.print.format === 'table') call.print.note(`Watch it: orrery executions follow ${record.id}`);
  return undefined;
}

async function follow(call: Call, client: Client, id: string): Promise<number> {
  const { followExecution } = await import('../following/follow-execution.js');
  return followExecution(client, call.world, call.print, id, { logs: !call.flag('no-logs') });
}

async function wanted(call: Call, client: Client): Promise<string> {
  const id = call.optionalArgument('EXECUTION');
  const deployment = call.text('deployment');
  if ((id === null) === (deployment === null)) {
    throw new UsageError('Name the execution, or the deployment whose latest one you mean.', [
      'orrery executions follow EXECUTION, or orrery executions follow -d DEPLOYMENT',
    ]);
  }
  if (id !== null) return id;
  const page = await client.get<Page<ExecutionRecord>>('/executions', {
    deployment_id: deployment,
    _sort: '-created_at',
    _size: 1,
  });
  const latest = page.items[0];
  if (latest === undefined) {
    throw new CliError(`Deployment ${deployment} has no executions.`, ExitCode.failed, [
      `Start one: orrery executions start install -d ${deployment} --follow`,
    ]);
  }
  return latest.id;
}

/** People say "completed"; the wire says "terminated". */
function statusWord(record: ExecutionRecord): string {
  return record.status === 'terminated' ? 'completed' : clean(record.status);
}

function statusOnTheWire(word: string): string {
  return word === 'completed' ? 'terminated' : word;
}

function progressWord(record: ExecutionRecord): string | null {
  return record.total_operations ? `${record.finished_operations ?? 0}/${record.total_operations}` : null;
}

function took(record: ExecutionRecord, now: number): string | null {
  if (record.started_at === null) return null;
  if (record.ended_at === null && isFinal(record.status)) return null;
  const end = record.ended_at === null ? now : Date.parse(record.ended_at);
  return span(end - Date.parse(record.started_at));
}

function entriesOf(record: ExecutionRecord, call: Call): Entry[] {
  const when = (time: string | null): string => dateTime(time, call.print.onTerminal) || '-';
  const entries: Entry[] = [
    ['id', clean(record.id), 'strong'],
    ['workflow', clean(record.workflow_id) + (record.is_dry_run ? ' (dry run)' : '')],
    ['deployment', clean(record.deployment_id ?? '-')],
    ['blueprint', clean(record.blueprint_id ?? '-')],
    ['status', statusWord(record), statusTone(record.status)],
    ['operations', progressWord(record) ?? '-'],
    ['created', `${when(record.created_at)} by ${clean(record.created_by)}`],
    ['started', when(record.started_at)],
    ['ended', when(record.ended_at)],
    ['took', took(record, call.world.now()) ?? '-'],
  ];
  const parameters = Object.entries(record.parameters ?? {});
  if (parameters.length > 0) {
    entries.push([
      'parameters',
      parameters.map(([name, value]) => `${clean(name)} = ${inline(value)}`).join('\n'),
    ]);
  }
  if (record.error) entries.push(['error', cleanLines(record.error).join('\n'), 'bad']);
  return entries;
}
