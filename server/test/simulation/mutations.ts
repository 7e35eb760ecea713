/**
 * Bugs, put in on purpose, so that it is known that the simulator finds such. Each is a small change of what the database's
 * statements mean, or of a part of the engine for as long as a run lasts; nothing outside of the tests knows of them.
 */
import { Frontier } from '../../src/orchestration/planning/ready.js';
import { Flushes } from '../../src/orchestration/running/flushes.js';
import { type Committed, Ledger } from '../../src/orchestration/running/ledger.js';
import { Packs } from '../../src/orchestration/running/packs.js';
import { Slots } from '../../src/orchestration/running/slots.js';
import { TaskBook } from '../../src/orchestration/running/task-book.js';
import type { Mutation } from './life.js';
import type { Statement } from './model-database.js';
import type { ExecutionRow } from './model-rows.js';

/** The statement with other arguments, for the execution as it stands. */
function taking(name: string, change: (values: readonly unknown[], row: ExecutionRow) => readonly unknown[]) {
  return (statements: Readonly<Record<string, Statement>>): Readonly<Record<string, Statement>> => ({
    ...statements,
    [name]: (view, values) => {
      const row = view.get('executions', values[0] as number);
      return statements[name]!(view, row === undefined ? values : change(values, row));
    },
  });
}

/** Another method in a class for a while. */
function patched<C extends { prototype: object }, K extends keyof C['prototype']>(
  owner: C,
  method: K,
  make: (old: C['prototype'][K]) => C['prototype'][K],
) {
  return () => {
    const { prototype } = owner as { prototype: C['prototype'] };
    const old = prototype[method];
    prototype[method] = make(old);
    return () => {
      prototype[method] = old;
    };
  };
}

/** Tasks that are done, among the arguments of `engine_commit`. */
const DONE = 7;

/** Of a column of integers in PostgreSQL's binary form. */
function half(column: Buffer): Buffer {
  if (column.readInt32BE(0) === 0) return column;
  const kept = Math.ceil(column.readInt32BE(12) / 2);
  const first = Buffer.from(column.subarray(0, 20 + 8 * kept));
  first.writeInt32BE(kept, 12);
  return first;
}

export const MUTATIONS: readonly Mutation[] = [
  {
    what: 'a batch is taken whatever its fence',
    statements: taking('engine_commit', ([uid, , ...rest], row) => [uid, row.fence, ...rest]),
  },
  {
    what: 'an execution is ended whatever the fence',
    statements: taking('engine_end', ([uid, , ...rest], row) => [uid, row.fence, ...rest]),
  },
  {
    what: 'a batch is taken as often as it is sent',
    statements: taking('engine_commit', ([uid, fence, , ...rest], row) => [
      uid,
      fence,
      row.batches + 1,
      ...rest,
    ]),
  },
  {
    what: 'operations start before their intent is durable',
    install: patched(
      Ledger,
      'commit',
      (old) =>
        async function commit(this: Ledger, batch) {
          const sent = old.call(this, batch);
          if (batch.starts.length === 0) return sent;
          sent.catch(() => {});
          return { status: 'started', properties: null };
        },
    ),
  },
  {
    what: 'leases are not renewed',
    statements: (statements) => ({
      ...statements,
      engine_renew: (view, values) => {
        const held = values[2] as number[];
        return held.flatMap((uid, place) => {
          const row = view.get('executions', uid)!;
          const isMine = row.fence === (values[3] as number[])[place];
          return isMine ? [{ uid, fence: row.fence, status: row.status, renewed: true }] : [];
        });
      },
    }),
  },
  {
    what: 'what was under way when a worker died runs again in silence',
    install: patched(TaskBook, 'tellInterrupted', () => () => {}),
  },
  {
    what: 'tasks start before what they depend on is done',
    install: patched(
      Frontier,
      'finish',
      (old) =>
        function finish(this: Frontier, task) {
          old.call(this, task);
          const [next] = this.take(1);
          if (next === undefined) return;
          // Handed out twice: its successors are let go too early.
          old.call(this, next);
          this.giveBack(next);
        },
    ),
  },
  {
    what: 'properties are said to be durable before they are',
    install: patched(Flushes, 'wait', () => async () => {}),
  },
  {
    what: 'a cancel that comes late is forgotten',
    statements: (statements) => ({
      ...statements,
      engine_end: (view, values) => {
        const rows = statements.engine_end!(view, values);
        const row = view.get('executions', values[0] as number)!;
        if (rows.length === 0) return rows;
        view.put('executions', row.uid, { ...row, status: values[2] as ExecutionRow['status'] });
        return [{ ...rows[0], status: values[2] }];
      },
    }),
  },
  {
    what: 'an execution may be claimed while another holds it',
    statements: (statements) => ({
      ...statements,
      engine_claim: (view, values) => {
        for (const row of view.all('executions')) {
          const isHeld = row.worker !== null && row.worker !== values[0] && row.batches % 7 === 6;
          if (isHeld && !view.held('executions', row.uid)) {
            view.put('executions', row.uid, { ...row, leaseUntil: view.now - 1 });
          }
        }
        return statements.engine_claim!(view, values);
      },
    }),
  },
  {
    what: 'an event is lost where a pack ends and the next begins',
    install: () => {
      const lately = new WeakMap<Packs, number>();
      return patched(
        Packs,
        'add',
        (old) =>
          function add(this: Packs, words, place, now) {
            const second = Math.floor(now / 1000);
            const isLost = this.length > 0 && lately.get(this) !== second;
            lately.set(this, second);
            if (!isLost) old.call(this, words, place, now);
          },
      )();
    },
  },
  {
    what: 'some slots are never given back',
    install: patched(
      Slots,
      'give',
      (old) =>
        function give(this: Slots, owner, task) {
          if (task % 5 !== 4) old.call(this, owner, task);
        },
    ),
  },
  {
    what: 'a slot that was promised to a walk stays promised when the walk is over',
    install: patched(Slots, 'withdraw', () => () => {}),
  },
  {
    what: 'what was called off while it was planned begins',
    statements: (statements) => ({
      ...statements,
      engine_begin: (view, values) => {
        const rows = statements.engine_begin!(view, values) as { status: string | null }[];
        if (rows[0]!.status === null) return rows;
        const row = view.get('executions', values[0] as number)!;
        view.put('executions', row.uid, { ...row, status: 'started' });
        return [{ status: 'started' }];
      },
    }),
  },
  {
    what: 'a batch that follows another on its way is taken for written, and is not',
    install: () => {
      const away = new WeakMap<Ledger, Promise<Committed>>();
      return patched(
        Ledger,
        'commit',
        (old) =>
          function commit(this: Ledger, batch) {
            const before = away.get(this);
            if (before !== undefined) return before;
            const sent = old.call(this, batch);
            away.set(this, sent);
            const forget = () => {
              away.delete(this);
            };
            sent.then(forget, forget);
            return sent;
          },
      )();
    },
  },
  {
    what: 'the second half of what a batch says is done is dropped',
    statements: (statements) => ({
      ...statements,
      engine_commit: (view, values) =>
        statements.engine_commit!(
          view,
          values.map((value, place) => (place === DONE ? half(value as Buffer) : value)),
        ),
    }),
  },
];
