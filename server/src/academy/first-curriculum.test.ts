import assert from 'node:assert/strict';
import { test } from 'node:test';
import { people } from '../../test/support/people.js';
import { testDatabase } from '../../test/support/test-database.js';
import { Curricula } from './curricula.js';
import { giveFirstCurriculum } from './first-curriculum.js';

const { pool } = await testDatabase();
const { admin, callers } = await people(pool);
const curricula = new Curricula(pool);
const give = () => giveFirstCurriculum({ pool, callers, curricula });
async function told(): Promise<{ id: string; title: string; learners: number }[]> {
  const shape = { id: 'id', title: 'title', learners: 'registrationCount' } as const;
  const query = { shape, filters: [], sort: [], offset: 0, size: 10 };
  return JSON.parse((await curricula.list(admin, query)).items) as Awaited<ReturnType<typeof told>>;
}

test('a fresh installation has one thing to learn, whoever starts it, with nobody who learns it yet', async () => {
  assert.deepEqual((await Promise.all([give(), give(), give()])).sort(), [false, false, true]);
  assert.deepEqual(
    (await told()).map(({ title, learners }) => [title, learners]),
    [['First steps with Orrery', 0]],
  );
});

test('it is not given again to whoever removed it', async () => {
  await curricula.remove(admin, (await told())[0]!.id);
  assert.equal(await give(), false);
  assert.deepEqual(await told(), []);
});

test('without an administrator who could, nothing is given', async () => {
  await pool.query(`delete from first_contents; update users set active = false`);
  assert.equal(await give(), false);
});
