/** A pool whose answers and requests get lost as a test says: the database at its edge, not our store. */
import type { Pool } from '../../src/store/pool.js';

/** `request`: it never arrives. `answer`: it is done, and nobody hears of it. */
export type Loss = 'request' | 'answer' | null;

/** What is asked: the name of a prepared statement, else its text (`begin`, `commit`). */
export type LossRule = (asked: string) => Loss;

export function lostConnection(): Error {
  return Object.assign(new Error('Connection terminated unexpectedly'), { code: 'ECONNRESET' });
}

/** The same pool, except that queries fail where `rule` says so. */
export function flakyPool(pool: Pool, rule: LossRule): Pool {
  const wrap = <T extends object>(target: T): T =>
    new Proxy(target, {
      get(object, key) {
        const value: unknown = Reflect.get(object, key, object);
        if (key === 'connect') return async () => wrap((await pool.connect()) as object);
        if (key === 'query') {
          return async (query: string | { name?: string; text: string }, ...rest: unknown[]) => {
            const asked = typeof query === 'string' ? query : (query.name ?? query.text);
            const loss = rule(asked);
            if (loss === 'request') throw lostConnection();
            const answer = await (value as (...args: unknown[]) => Promise<unknown>).call(
              object,
              query,
              ...rest,
            );
            if (loss === 'answer') throw lostConnection();
            return answer;
          };
        }
        return typeof value === 'function' ? value.bind(object) : value;
      },
    });
  return wrap(pool);
}
