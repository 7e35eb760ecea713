/** Whether this machine has the master key that secrets are under. Every process of an installation must have the same. */
import { bad, type Finding, good, note } from './finding.js';

export interface Keys {
  /** Fingerprint of this machine's key; null: it has none. */
  readonly own: string | null;
  readonly former: readonly string[];
  /** That new secrets are put under; null: no process has started yet. */
  readonly pinned: string | null;
  /** How many secrets are under which. */
  readonly rows: ReadonlyMap<string, number>;
}

export function judgeKeys({ own, former, pinned, rows }: Keys): Finding {
  const known = new Set([own, ...former]);
  const lost = [...rows].filter(([key]) => !known.has(key));
  if (own === null)
    return pinned === null
      ? good('master-key', 'there is none yet: the first start makes one')
      : bad(
          'master-key',
          `secrets are under ${pinned}, and this machine has no key`,
          'Set ORRERY_MASTER_KEY, or restore the file master-key of the data folder from its backup.',
        );
  if (lost.length > 0 || (pinned !== null && !known.has(pinned)))
    return bad(
      'master-key',
      `this machine has ${own}; secrets are under ${[...new Set([pinned, ...lost.map(([key]) => key)])].join(', ')}`,
      'Give this machine the key that the others have (ORRERY_MASTER_KEY); without it those secrets cannot be read by anybody.',
    );
  const older = [...rows].filter(([key]) => key !== own);
  if (older.length > 0 || (pinned !== null && pinned !== own))
    return note(
      'master-key',
      `${older.reduce((sum, [, count]) => sum + count, 0)} secrets are still under a former key`,
      'Run: node server/build/src/main.js rotate-master-key',
    );
  return good('master-key', `${own}, as the database has it`);
}
