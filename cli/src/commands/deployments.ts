import { path } from '../api/paths.js';
import type { DeploymentRecord } from '../api/wire.js';
import type { Call, Command } from '../command.js';
import { ApiError, CliError, ExitCode, UsageError } from '../errors.js';
import { readInputs, readLabels } from '../inputs.js';
import { fetchList, LIST_OPTIONS } from '../listing.js';
import { type Entry, inline } from '../output.js';
import { statusTone } from '../terminal/style.js';
import { clean } from '../terminal/text.js';
import { dateTime } from '../terminal/time.js';

const DEPLOYMENT = { name: 'DEPLOYMENT', summary: 'id of the deployment' };

/** How long a deletion may take before we stop watching it; the server goes on. */
const DELETION = 5 * 60_000;

export const deployments: Record<string, Command> = {
  create: {
    summary: 'Make a deployment from a blueprint',
    description: 'Nothing is installed yet: orrery executions start install -d DEPLOYMENT does that.',
    arguments: [DEPLOYMENT],
    options: [
      { name: 'blueprint', short: 'b', value: 'ID', summary: 'the blueprint (required)' },
      {
        name: 'input',
        short: 'i',
        value: 'NAME=VALUE|FILE',
        multiple: true,
        summary: 'an input, its value read as YAML; or a YAML or JSON file of them',
      },
      { name: 'display-name', value: 'TEXT', summary: 'a name for people' },
      {
        name: 'visibility',
        value: 'WHO',
        summary: 'private, tenant (default) or global',
        choices: ['private', 'tenant', 'global'],
      },
      { name: 'label', short: 'l', value: 'KEY=VALUE', multiple: true, summary: 'label it' },
    ],
    examples: [
      ['orrery deployments create hello -b hello-world', ''],
      ['orrery deployments create shop -b shop -i port=8080 -i secrets.yaml', ''],
    ],
    async run(call) {
      const blueprint = call.text('blueprint');
      if (blueprint === null)
        throw new UsageError('Which blueprint? --blueprint is missing.', [
          'See them: orrery blueprints list',
        ]);
      const id = call.argument('DEPLOYMENT');
      const inputs = await readInputs(call.texts('input'), call.world.cwd, 'i');
      const labels = readLabels(call.texts('label'));
      const client = await call.client();
      const record = await client.put<DeploymentRecord>(path('deployments', id), {
        blueprint_id: blueprint,
        inputs,
        ...(call.text('visibility') === null ? {} : { visibility: call.text('visibility') }),
        ...(call.text('display-name') === null ? {} : { display_name: call.text('display-name') }),
        ...(labels.length > 0 ? { labels } : {}),
      });
      await call.print.done(`Deployment ${id} created from ${blueprint}`, record, id);
      return undefined;
    },
  },
  list: {
    summary: 'The deployments of the tenant',
    options: [
      { name: 'blueprint', short: 'b', value: 'ID', summary: 'only those of a blueprint' },
      ...LIST_OPTIONS,
    ],
    async run(call) {
      const client = await call.client();
      const page = await fetchList<DeploymentRecord>(client, '/deployments', call, {
        blueprint_id: call.text('blueprint'),
      });
      await call.print.list(
        page,
        [
          { title: 'id', value: (row) => row.id, tone: () => 'strong', shrinks: 'last' },
          { title: 'blueprint', value: (row) => row.blueprint_id, shrinks: 'first' },
          {
            title: 'installed',
            value: (row) => row.installation_status,
            tone: (row) => statusTone(row.installation_status),
          },
          {
            title: 'status',
            value: (row) => row.deployment_status,
            tone: (row) => statusTone(row.deployment_status),
          },
          {
            title: 'latest',
            value: latest,
            tone: (row) => statusTone(row.latest_execution_status),
            shrinks: 'first',
          },
          { title: 'created', value: (row) => dateTime(row.created_at, call.print.onTerminal) },
          { title: 'by', value: (row) => row.created_by },
        ],
        (row) => row.id,
        { one: 'deployment', many: 'deployments' },
      );
      return undefined;
    },
  },
  get: {
    summary: 'One deployment, with its inputs and workflows',
    arguments: [DEPLOYMENT],
    async run(call) {
      const client = await call.client();
      const record = await client.get<DeploymentRecord>(path('deployments', call.argument('DEPLOYMENT')));
      await call.print.record(record, record.id, () => entriesOf(record, call));
      return undefined;
    },
  },
  outputs: {
    summary: 'The outputs of a deployment, evaluated now',
    arguments: [DEPLOYMENT],
    run: (call) => values(call, 'outputs'),
  },
  capabilities: {
    summary: 'The capabilities of a deployment, evaluated now',
    arguments: [DEPLOYMENT],
    run: (call) => values(call, 'capabilities'),
  },
  delete: {
    summary: 'Delete a deployment',
    description:
      'A deployment that is installed is uninstalled first (orrery executions start uninstall). The command ends when the deployment is gone.',
    arguments: [DEPLOYMENT],
    options: [
      {
        name: 'force',
        short: 'f',
        summary: 'also when instances still live or others depend on it; what runs is left running',
      },
      { name: 'with-logs', summary: 'delete its events and logs too' },
      { name: 'no-wait', summary: 'do not wait until it is gone' },
    ],
    async run(call) {
      const client = await call.client();
      const id = call.argument('DEPLOYMENT');
      await client.delete(path('deployments', id), {
        ...(call.flag('force') ? { force: true } : {}),
        ...(call.flag('with-logs') ? { delete_logs: true } : {}),
      });
      if (!call.flag('no-wait')) await untilGone(call, id);
      await call.print.done(
        `Deployment ${id} ${call.flag('no-wait') ? 'is being deleted' : 'deleted'}`,
        { id },
        id,
      );
      return undefined;
    },
  },
};

function latest(row: DeploymentRecord): string | null {
  if (!row.latest_execution_status) return null;
  return `${row.latest_execution_workflow_id ?? ''} ${row.latest_execution_status}`.trim();
}

function entriesOf(record: DeploymentRecord, call: Call): Entry[] {
  const entries: Entry[] = [
    ['id', clean(record.id), 'strong'],
    ['blueprint', clean(record.blueprint_id)],
    ['installed', clean(record.installation_status ?? '-'), statusTone(record.installation_status)],
    ['status', clean(record.deployment_status ?? '-'), statusTone(record.deployment_status)],
    ['latest', clean(latest(record) ?? '-'), statusTone(record.latest_execution_status)],
    ['visibility', `${record.visibility}, tenant ${clean(record.tenant_name)}`],
    ['created', `${dateTime(record.created_at, call.print.onTerminal)} by ${clean(record.created_by)}`],
  ];
  if (record.display_name && record.display_name !== record.id) {
    entries.splice(1, 0, ['name', clean(record.display_name)]);
  }
  if (record.description) entries.push(['description', clean(record.description)]);
  if (record.labels?.length) {
    entries.push(['labels', record.labels.map((label) => clean(`${label.key}=${label.value}`)).join('\n')]);
  }
  const inputs = Object.entries(record.inputs ?? {});
  if (inputs.length > 0) {
    entries.push(['inputs', inputs.map(([name, value]) => `${clean(name)} = ${inline(value)}`).join('\n')]);
  }
  const workflows = record.workflows ?? [];
  if (workflows.length > 0) {
    entries.push(['workflows', clean(workflows.map((workflow) => workflow.name).join(', '))]);
  }
  return entries;
}

async function values(call: Call, kind: 'outputs' | 'capabilities'): Promise<undefined> {
  const client = await call.client();
  const id = call.argument('DEPLOYMENT');
  const answer = await client.get<Record<string, unknown>>(path('deployments', id, kind));
  const found = (answer[kind] ?? {}) as Readonly<Record<string, unknown>>;
  const names = Object.keys(found);
  if (names.length === 0 && call.print.format === 'table') {
    call.print.note(`Deployment ${id} has no ${kind}.`);
    return undefined;
  }
  await call.print.record(answer, names.join('\n'), () =>
    names.map((name): Entry => [clean(name), inline(found[name])]),
  );
  return undefined;
}

async function untilGone(call: Call, id: string): Promise<void> {
  const client = await call.client();
  const { Patience } = await import('../following/patience.js');
  const patience = new Patience(50, 1000);
  const end = call.world.now() + DELETION;
  for (;;) {
    try {
      await client.get(path('deployments', id), { _include: 'id' });
    } catch (error) {
      if (error instanceof ApiError && error.status === 404) return;
      throw error;
    }
    if (call.world.now() > end) {
      throw new CliError(`Deployment ${id} is still there after 5 minutes.`, ExitCode.failed, [
        `See what its deletion does: orrery executions list -d ${id} --system`,
      ]);
    }
    await new Promise((resolve) => setTimeout(resolve, patience.next(false)));
  }
}
