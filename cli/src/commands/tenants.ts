/** How much of the engine a tenant has. */
import { path } from '../api/paths.js';
import type { Command } from '../command.js';
import { UsageError } from '../errors.js';
import { clean } from '../terminal/text.js';

interface Limit {
  readonly now: number;
  readonly most: number | null;
  readonly own: boolean;
}

interface TenantLimits {
  readonly tenant: string;
  readonly running: Limit;
  readonly waiting: Limit;
}

const AMOUNT = 'a number, or "default" for that of the server’s settings';

export const tenants: Record<string, Command> = {
  limits: {
    summary: 'How many executions of a tenant run and wait, and may',
    description:
      'With --running or --waiting the limit is changed first. --running 0 lets nothing of the tenant start: what it asks for waits. --waiting 0 lets any number wait. For administrators.',
    arguments: [
      { name: 'TENANT', summary: 'name of the tenant; absent: the one you work in', optional: true },
    ],
    options: [
      { name: 'running', value: 'NUMBER', summary: `how many may run at once: ${AMOUNT}` },
      { name: 'waiting', value: 'NUMBER', summary: `how many may wait: ${AMOUNT}` },
    ],
    examples: [
      ['orrery tenants limits blue', ''],
      ['orrery tenants limits blue --running 20 --waiting default', ''],
    ],
    async run(call) {
      const running = amount('running', call.text('running'));
      const waiting = amount('waiting', call.text('waiting'));
      const client = await call.client();
      const where = path('tenants', call.optionalArgument('TENANT') ?? client.connection.tenant, 'limits');
      const changes = {
        ...(running === undefined ? {} : { running }),
        ...(waiting === undefined ? {} : { waiting }),
      };
      const limits =
        Object.keys(changes).length === 0
          ? await client.own<TenantLimits>('GET', where)
          : await client.own<TenantLimits>('PATCH', where, changes);
      await call.print.record(limits, limits.tenant, () => [
        ['tenant', clean(limits.tenant)],
        ['running', words(limits.running)],
        ['waiting', words(limits.waiting)],
      ]);
      return undefined;
    },
  },
};

/** undefined: not named; null: as the settings say. */
function amount(option: string, word: string | null): number | null | undefined {
  if (word === null) return undefined;
  if (word === 'default') return null;
  if (/^\d{1,9}$/.test(word)) return Number(word);
  throw new UsageError(`--${option} cannot be "${word}": it should be ${AMOUNT}.`, []);
}

function words({ now, most, own }: Limit): string {
  return `${now} of ${most ?? 'any number'}${own ? '' : ' (by the settings)'}`;
}
