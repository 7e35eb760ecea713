/** What a person decides about single operations of a failed or cancelled execution. */
import { path } from '../api/paths.js';
import type { Page } from '../api/wire.js';
import type { Call, Command, Option } from '../command.js';
import { UsageError } from '../errors.js';
import { clean } from '../terminal/text.js';

const EXECUTION = { name: 'EXECUTION', summary: 'id of the execution' };
const OPERATION = {
  name: 'OPERATION',
  summary: 'number of the operation: orrery executions operations EXECUTION',
};
const WAIT: Option = {
  name: 'no-resume',
  summary: 'only decide; let the execution go on later, with resume',
};
const REASON: Option = {
  name: 'reason',
  short: 'r',
  value: 'TEXT',
  summary: 'why: kept on the operation, and told as an event',
};

interface OperationRecord {
  readonly task: number;
  readonly operation: string;
  readonly instance: string | null;
  readonly state: string;
  readonly attempt: number;
  readonly reason: string | null;
  readonly decidedBy?: string | null;
}

interface Decided {
  readonly id: string;
  readonly status: string;
  readonly decided: readonly number[];
  readonly undecided: readonly number[];
}

const TONES: Readonly<Record<string, 'good' | 'bad' | 'warning' | 'busy'>> = {
  succeeded: 'good',
  failed: 'bad',
  interrupted: 'bad',
  waiting: 'warning',
  skipped: 'warning',
  started: 'busy',
};

/** @param follow watches an execution to its end and gives the exit code */
export function decisions(
  follow: (call: Call, execution: string) => Promise<number>,
  following: readonly Option[],
): Record<'operations' | 'retry' | 'skip', Command> {
  const decide = async (call: Call, where: string, reason: string | null): Promise<number | undefined> => {
    const id = call.argument('EXECUTION');
    const client = await call.client();
    const answer = await client.ownPost<Decided>(`${path('executions', id)}${where}`, {
      resume: !call.flag('no-resume'),
      ...(reason === null ? {} : { reason }),
    });
    const goesOn = !['failed', 'cancelled'].includes(answer.status);
    if (goesOn && call.flag('follow')) return follow(call, id);
    const waits =
      answer.undecided.length === 0 ? '' : `; undecided still: operation ${answer.undecided.join(', ')}`;
    const words = goesOn ? 'the execution goes on' : `the execution is ${clean(answer.status)}${waits}`;
    await call.print.done(`Decided about operation ${answer.decided.join(', ')}: ${words}`, answer, id);
    return undefined;
  };

  return {
    operations: {
      summary: 'Where every operation of an execution stands',
      arguments: [EXECUTION],
      options: [
        {
          name: 'undone',
          summary: 'only those that were begun and are not done: what is to be decided about',
        },
      ],
      async run(call) {
        const client = await call.client();
        const id = call.argument('EXECUTION');
        const items = await client.ownAll<OperationRecord>(`${path('executions', id)}/operations`);
        const done = ['pending', 'succeeded', 'skipped'];
        const shown = call.flag('undone') ? items.filter((one) => !done.includes(one.state)) : items;
        const page: Page<OperationRecord> = {
          items: shown,
          metadata: { pagination: { total: shown.length, offset: 0, size: shown.length } },
        };
        await call.print.list(
          page,
          [
            { title: 'no', value: (row) => String(row.task), align: 'right' },
            { title: 'operation', value: (row) => clean(row.operation), shrinks: 'first' },
            { title: 'node instance', value: (row) => (row.instance === null ? null : clean(row.instance)) },
            { title: 'state', value: (row) => row.state, tone: (row) => TONES[row.state] ?? 'quiet' },
            {
              title: 'attempt',
              value: (row) => (row.attempt === 0 ? null : String(row.attempt)),
              align: 'right',
            },
            { title: 'decided', value: decidedWord, shrinks: 'first' },
          ],
          (row) => String(row.task),
          { one: 'operation', many: 'operations' },
        );
        return undefined;
      },
    },
    retry: {
      summary: 'Run one operation, or one node instance, again',
      description:
        'For an execution that has failed or was cancelled: the operation, or whatever of the node instance was begun and is not done, runs again, and the execution goes on as with resume, unless other interrupted operations wait for a decision.',
      arguments: [EXECUTION, { ...OPERATION, optional: true }],
      options: [
        {
          name: 'node-instance',
          short: 'n',
          value: 'ID',
          summary: 'instead of OPERATION: all of a node instance',
        },
        REASON,
        WAIT,
        ...following,
      ],
      examples: [['orrery executions retry EXECUTION 12 --follow', '']],
      async run(call) {
        const operation = call.optionalArgument('OPERATION');
        const instance = call.text('node-instance');
        if ((operation === null) === (instance === null)) {
          throw new UsageError('Name the operation, or the node instance with --node-instance.', [
            'See them: orrery executions operations EXECUTION --undone',
          ]);
        }
        const where =
          instance === null
            ? path('operations', numberOf(operation!), 'retry')
            : path('node-instances', instance, 'retry');
        return decide(call, where, call.text('reason'));
      },
    },
    skip: {
      summary: 'Go on without one operation',
      description:
        'For an execution that has failed or was cancelled: the operation counts as done, with the states of node instances that belong to its success. With --done it is recorded as done, not as skipped: the work was done, whatever the record says.',
      arguments: [EXECUTION, OPERATION],
      options: [
        { ...REASON, summary: `${REASON.summary} (required)` },
        { name: 'done', summary: 'the work was done after all' },
        WAIT,
        ...following,
      ],
      examples: [['orrery executions skip EXECUTION 12 --reason "the volume is there already"', '']],
      async run(call) {
        const reason = call.text('reason');
        if (reason === null) throw new UsageError('Why? --reason is missing: others will read it.', []);
        const verb = call.flag('done') ? 'done' : 'skip';
        return decide(call, path('operations', numberOf(call.argument('OPERATION')), verb), reason);
      },
    },
  };
}

function decidedWord({ decidedBy = null, reason }: OperationRecord): string | null {
  if (decidedBy === null) return null;
  return `${clean(decidedBy)}${reason ? `: ${clean(reason)}` : ''}`;
}

function numberOf(word: string): string {
  if (/^\d+$/.test(word)) return word;
  throw new UsageError(`"${word}" is not the number of an operation.`, [
    'See them: orrery executions operations EXECUTION --undone',
  ]);
}
