/** Runs rules whose time has come, each as its owner. What was missed while nobody looked is run once. */
import { DomainError } from '../errors.js';
import type { Callers } from '../identity/callers.js';
import type { Client, Pool } from '../store/pool.js';
import { accompany } from '../store/transaction.js';
import type { ActionRuns } from './action-runs.js';
import { nextTime } from './condition-rules.js';
import { claimRule, type DueRule, selectDueRules } from './condition-rules.store.js';

export interface RuleSchedulesParts {
  readonly pool: Pool;
  readonly callers: Pick<Callers, 'actingAs'>;
  readonly runs: Pick<ActionRuns, 'rule'>;
}

/** Of one turn. */
const MOST = 100;

export class RuleSchedules {
  readonly #parts: RuleSchedulesParts;

  constructor(parts: RuleSchedulesParts) {
    this.#parts = parts;
  }

  /** Periodic work; any number of processes may do it at once. @returns how many were run */
  async runDue(): Promise<number> {
    let count = 0;
    for (const rule of await selectDueRules.all(this.#parts.pool, [MOST])) {
      if (await this.#run(rule)) count += 1;
    }
    return count;
  }

  async #run(rule: DueRule): Promise<boolean> {
    const { pool, callers, runs } = this.#parts;
    const next = nextTime(rule.schedule, new Date());
    const claim = async (db: Client | Pool) => {
      if ((await claimRule.one(db, rule.tenantId, [rule.uid, next])) === null) throw new RunMeanwhile();
    };
    try {
      const caller = await callers.actingAs(rule.owner ?? '', rule.tenantName, `rule ${rule.number}`, {
        visitor: true,
      });
      await accompany({ before: claim }, () => runs.rule(caller, { number: rule.number }));
      return true;
    } catch (error) {
      if (error instanceof RunMeanwhile) return false;
      if (!(error instanceof DomainError)) throw error;
      // Whoever it acts as may not, or it lacks something: it is tried again at its next time.
      await claim(pool).catch(() => {});
      return false;
    }
  }
}

/** Another process was quicker; not a trouble. */
class RunMeanwhile extends Error {}
