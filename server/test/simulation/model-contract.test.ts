/**
 * The model of the database is worth what it has in common with PostgreSQL: the same random commands, by two sessions with
 * and without transactions, are given to both through the engine's own statements, and both must answer, wait and end alike.
 */
import assert from 'node:assert/strict';
import { after, describe, it } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import type { TenantId } from '../../src/ids.js';
import type { Client } from '../../src/store/pool.js';
import type { Queryable } from '../../src/store/statement.js';
import { anEngine } from '../support/an-engine.js';
import { aCommand, type Command } from './contract-commands.js';
import { ModelDatabase, type Session } from './model-database.js';
import { NEIGHBOURS } from './model-neighbours.js';
import { TENANT } from './model-rows.js';
import { ENGINE_STATEMENTS } from './model-statements.js';
import { Random } from './random.js';
import { comparable, modelRows, storedRows } from './stored-rows.js';

const SEQUENCES = 40;
const COMMANDS = 50;
/** Another first one, and how many: for nights. */
const { ORRERY_CONTRACT_FROM: FROM = 1, ORRERY_CONTRACT_SEQUENCES: MANY = SEQUENCES } = process.env;
/** Milliseconds by which the clock may jump; no lease ends in the moment of another's sum. */
const JUMPS = [2000, 4000, 7000];

const BLUEPRINT = `
node_templates:
  db: {type: cloudify.nodes.Root}
  web: {type: cloudify.nodes.Root, relationships: [{type: cloudify.relationships.connected_to, target: db}]}
`;

/** Both ends of a session. */
interface Pair {
  readonly name: string;
  readonly client: Client;
  readonly session: Session;
  inTransaction: boolean;
  /** It waits for a lock of the other; both answers, when they come. */
  waiting: Promise<readonly [unknown, unknown]> | null;
}

describe('the model of the database', () => {
  it(`answers, waits and ends as PostgreSQL does (${MANY} sequences of ${COMMANDS} commands)`, async () => {
    const engine = await anEngine([]);
    after(() => engine.close());
    const { pool } = engine.database;
    const tenant = engine.caller.tenant!.id;
    const clients = [await pool.connect(), await pool.connect()];
    try {
      for (let seed = Number(FROM); seed < Number(FROM) + Number(MANY); seed += 1) {
        const id = `d${seed}`;
        await engine.deploy(id, BLUEPRINT);
        const { rows } = await pool.query<{ uid: number }>('select uid from deployments where id = $1', [id]);
        await pool.query(
          `insert into executions (tenant_id, id, deployment_uid, workflow, function, status, parameters, created_by)
           select $1, $2::text || n, $3, 'install', 'f', case n when 3 then 'queued' else 'pending' end, '{}', $4 from generate_series(1, 3) n`,
          [tenant, `${id}-`, rows[0]!.uid, engine.caller.userId],
        );
        const told: string[] = [];
        try {
          await sequence(new Random(seed, 'contract'), rows[0]!.uid, tenant, told);
        } catch (error) {
          throw new Error(`sequence ${seed}: ${(error as Error).message}\n${told.join('\n')}`, {
            cause: error,
          });
        }
      }
    } finally {
      for (const client of clients) client.release();
    }

    async function sequence(
      random: Random,
      deployment: number,
      real: TenantId,
      told: string[],
    ): Promise<void> {
      // What passes here passes for PostgreSQL too, or leases end in one of the two alone where the machine is slow.
      const began = performance.now();
      let jumped = 0;
      const now = () => jumped + Math.floor(performance.now() - began);
      const model = new ModelDatabase({ ...ENGINE_STATEMENTS, ...NEIGHBOURS }, now);
      const stored = await storedRows(pool, deployment);
      for (const row of stored.executions) model.put('executions', row.uid, row);
      for (const row of stored.instances) model.put('instances', row.id, row);
      for (const row of stored.deployments) model.put('deployments', row.uid, row);
      for (const event of stored.events) model.events.push(event);
      const pairs = clients.map((client, nth): Pair => {
        const name = 'AB'[nth]!;
        return { name, client, session: model.session(name), inTransaction: false, waiting: null };
      });

      const give = async (pair: Pair, command: Command): Promise<void> => {
        told.push(`${pair.name}: ${command.what}`);
        const [theirs, ours] = [
          answer(command, pair.client, real),
          answer(command, asked(model, pair.session), TENANT.id as TenantId),
        ];
        const waits = await Promise.race([ours.then(() => false), delay(0).then(() => true)]);
        if (!waits) {
          assert.ok(await isAnswered(theirs, pair), `${command.what} waits in PostgreSQL alone`);
          same(await theirs, await ours, command.what);
          return;
        }
        assert.ok(await isBlocked(pair, theirs), `${command.what} waits in the model alone`);
        pair.waiting = Promise.all([theirs, ours]);
      };
      const finish = async (pair: Pair): Promise<void> => {
        const word = random.chance(0.7) ? 'commit' : 'rollback';
        told.push(`${pair.name}: ${word}`);
        pair.inTransaction = false;
        const run = async (db: Queryable) => {
          await db.query(word as never);
          return [];
        };
        const both: Command = { what: word, run };
        await answer(both, asked(model, pair.session), real);
        await answer(both, pair.client, real);
        for (const other of pairs) {
          if (other.waiting === null) continue;
          const [theirs, ours] = await other.waiting;
          other.waiting = null;
          same(theirs, ours, 'what had waited');
        }
      };

      for (let nth = 0; nth < COMMANDS; nth += 1) {
        const free = pairs.filter((pair) => pair.waiting === null);
        const pair = free.length < pairs.length ? free[0]! : random.pick(pairs);
        // Whoever is waited for goes on to its end: the model's own waiting takes no locks meanwhile.
        if (free.length < pairs.length || (pair.inTransaction && random.chance(0.3))) {
          await finish(pair);
          continue;
        }
        if (pairs.every((one) => !one.inTransaction) && random.chance(0.1)) {
          const jump = random.pick(JUMPS);
          told.push(`the clock jumps by ${jump}`);
          jumped += jump;
          await pool.query(
            `update executions set lease_until = lease_until - make_interval(secs => $1) where deployment_uid = $2`,
            [jump / 1000, deployment],
          );
          continue;
        }
        const command = aCommand(random, model);
        if (!pair.inTransaction && command.alone !== true && random.chance(0.5)) {
          pair.inTransaction = true;
          await pair.client.query('begin');
          await asked(model, pair.session).query('begin' as never);
          told.push(`${pair.name}: begin`);
        }
        if (pair.inTransaction && command.alone === true) continue;
        await give(pair, command);
      }
      for (const pair of pairs) if (pair.waiting === null && pair.inTransaction) await finish(pair);
      for (const pair of pairs) if (pair.inTransaction) await finish(pair);
      same(
        comparable(await storedRows(pool, deployment), 0),
        comparable(modelRows(model), now()),
        'the rows at the end',
      );
      // Nothing of it is free for the claims of the next.
      await pool.query(`update executions set status = 'cancelled' where deployment_uid = $1`, [deployment]);
    }

    /** False: it waits for a lock. Nothing that the model lets pass waits for the other session. */
    async function isAnswered(answer: Promise<unknown>, pair: Pair): Promise<boolean> {
      const isHere = await Promise.race([answer.then(() => true), delay(1000).then(() => false)]);
      return isHere || !(await isBlocked(pair, answer));
    }

    /** Whether it comes to wait for the other, and does not answer before. */
    async function isBlocked(pair: Pair, answered: Promise<unknown>): Promise<boolean> {
      const { processID } = pair.client as unknown as { processID: number };
      let isWaiting = true;
      void answered.then(() => {
        isWaiting = false;
      });
      while (isWaiting) {
        const { rows } = await pool.query<{ blocked: boolean }>(
          'select cardinality(pg_blocking_pids($1)) > 0 as blocked',
          [processID],
        );
        if (rows[0]!.blocked) return true;
        await delay(5);
      }
      return false;
    }
  });
});

/** A session of the model, asked as the driver is. */
function asked(model: ModelDatabase, session: Session): Queryable {
  const query = (query: string | { name: string; values: unknown[] }) =>
    new Promise((resolve, reject) => {
      const [name, values] = typeof query === 'string' ? [query, []] : [query.name, query.values];
      model.execute(session, name, values, (error, rows = []) =>
        error === null ? resolve({ rows, rowCount: rows.length }) : reject(error),
      );
    });
  return { query } as unknown as Queryable;
}

/** What is answered, or with which code it is refused. */
async function answer(command: Command, db: Queryable, tenant: TenantId): Promise<unknown> {
  try {
    return await command.run(db, tenant);
  } catch (error) {
    return { refused: (error as { code?: string }).code ?? String(error) };
  }
}

/** Of what PostgreSQL answers, as much as the model tells. */
function same(theirs: unknown, ours: unknown, what: string): void {
  assert.deepEqual(alike(plain(theirs), plain(ours)), plain(ours), what);
}

function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}

/** Names that only the model leaves out are left out. */
function alike(theirs: unknown, ours: unknown): unknown {
  if (Array.isArray(theirs) && Array.isArray(ours)) return theirs.map((each, at) => alike(each, ours[at]));
  if (!isObject(theirs) || !isObject(ours)) return theirs;
  const names = Object.keys(theirs).filter((name) => name in ours && !FIXED.has(name));
  return Object.fromEntries([
    ...names.map((name) => [name, alike(theirs[name], ours[name])]),
    ...fixed(ours),
  ]);
}

/** Names and numbers of the one tenant, user and blueprint of the model. */
const FIXED = new Set([
  'tenantId',
  'tenantName',
  'deploymentCreator',
  'createdBy',
  'createdById',
  'blueprintId',
  'blueprintUid',
]);

function fixed(ours: Record<string, unknown>): [string, unknown][] {
  return Object.entries(ours).filter(([name]) => FIXED.has(name));
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
