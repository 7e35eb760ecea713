/** What each check says of the case it is there for: that it is bad or worth a note, and that there is a way out. */
import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import {
  judgeClock,
  judgeConnections,
  judgeDeadRows,
  judgeDurability,
  judgeListening,
  judgePartitions,
  judgeSchema,
  judgeVersion,
  judgeVersions,
} from './database.js';
import type { ServerRow } from './database.store.js';
import { type Finding, isWell, type Level, told } from './finding.js';
import { judgeKeys } from './keys.js';
import { checkDataFolder, checkNode, checkPython, checkSecretFiles, judgeDisk } from './machine.js';
import {
  judgeAbandoned,
  judgeAgents,
  judgePools,
  judgeUndecided,
  judgeWaiting,
  judgeWorkers,
} from './work.js';

const SERVER: ServerRow = {
  version: 180_004,
  fsync: 'on',
  synchronousCommit: 'on',
  fullPageWrites: 'on',
  mostConnections: 100,
  reserved: 3,
  connections: 12,
  clock: 0,
  standby: false,
};
const migration = (number: number, digest = 'same') => ({ number, name: `000${number}-x`, digest });
const waits = { tenant: 'acme', id: 'e1', seconds: 4000 };
const GB = 1024 ** 3;

const CASES: readonly (readonly [situation: string, finding: Finding, level: Level, says: RegExp])[] = [
  ['a Node that is new enough', checkNode('22.1.0'), 'good', /22\.1\.0/],
  ['a Node that is too old', checkNode('20.18.1'), 'bad', /older than 20\.19/],
  ['room on the disk', judgeDisk('/data', 5 * GB), 'good', /5,120 MB/],
  ['little room', judgeDisk('/data', GB / 2), 'note', /512 MB/],
  ['no room', judgeDisk('/data', 0), 'bad', /0 MB/],
  ['a PostgreSQL of today', judgeVersion(SERVER), 'good', /18\.4/],
  ['an old one', judgeVersion({ ...SERVER, version: 140_011 }), 'bad', /14\.11 is older than 15/],
  ['a standby', judgeVersion({ ...SERVER, standby: true }), 'bad', /standby/],
  ['fsync off', judgeDurability({ ...SERVER, fsync: 'off' }), 'bad', /fsync is off/],
  [
    'commits that do not wait',
    judgeDurability({ ...SERVER, synchronousCommit: 'off', fullPageWrites: 'off' }),
    'bad',
    /full_page_writes, synchronous_commit are off/,
  ],
  ['enough connections', judgeConnections(SERVER, 4, 20), 'good', /12 of 97/],
  ['too few connections', judgeConnections(SERVER, 5, 20), 'bad', /may open 115/],
  ['clocks that agree', judgeClock(-12), 'good', /12 ms/],
  ['clocks that differ', judgeClock(-5000), 'note', /5000 ms/],
  ['clocks that differ much', judgeClock(3_600_000), 'bad', /3600000 ms/],
  ['LISTEN through a pooler', judgeListening(false), 'note', /pooler in transaction mode/],
  [
    'a bloated table',
    judgeDeadRows([{ name: 'executions', live: 5, dead: 500_000 }]),
    'note',
    /500000 beside 5/,
  ],
  ['no partition for today', judgePartitions(-1, 0), 'bad', /no partition/],
  ['no partition at all', judgePartitions(null, 0), 'bad', /no partition/],
  ['few partitions ahead', judgePartitions(3.5, 0), 'note', /3 days ahead/],
  ['events of odd times', judgePartitions(30, 10_001), 'note', /events_other/],
  ['partitions ahead', judgePartitions(30, 4), 'good', /30 days/],
  ['the schema of this version', judgeSchema([migration(1)], [migration(1)]), 'good', /1 migrations/],
  ['an older schema', judgeSchema([migration(1)], [migration(1), migration(2)]), 'bad', /lacks 0002-x/],
  ['a newer schema', judgeSchema([migration(1), migration(3)], [migration(1)]), 'bad', /0003-x, which this/],
  ['another schema', judgeSchema([migration(1, 'other')], [migration(1)]), 'bad', /another file/],
  [
    'mixed versions',
    judgeVersions([{ name: 'n', role: 'api', version: '1' }], '2'),
    'note',
    /n \(api\) is 1/,
  ],
  ['workers', judgeWorkers({ workers: 2, master: true, initialized: false }), 'good', /2 live/],
  ['no worker', judgeWorkers({ workers: 0, master: false, initialized: false }), 'bad', /no process lives/],
  ['no master', judgeWorkers({ workers: 1, master: false, initialized: true }), 'note', /none is master/],
  ['nothing waits', judgeWaiting(null, 1), 'good', /no execution waits/],
  ['a short wait', judgeWaiting({ ...waits, seconds: 2 }, 1), 'good', /2 s/],
  ['a long wait', judgeWaiting(waits, 1), 'note', /e1 of acme has waited 67 min/],
  ['abandoned executions', judgeAbandoned([waits]), 'bad', /lost their worker/],
  [
    'a pool that nobody serves',
    judgePools([{ pool: 'dmz', operations: 3, seconds: 9000 }]),
    'bad',
    /dmz \(3 wait/,
  ],
  ['no agents', judgeAgents({ agents: 0, silent: 0, example: null }), 'good', /no host has an agent/],
  ['agents that answer', judgeAgents({ agents: 2, silent: 0, example: null }), 'good', /2 answer/],
  [
    'an agent that is silent',
    judgeAgents({ agents: 2, silent: 1, example: 'vm_1' }),
    'note',
    /1 of 2 .* vm_1/,
  ],
  ['decisions that wait', judgeUndecided(2, 'e9'), 'note', /2 executions/],
  [
    'the key of the others',
    judgeKeys({ own: 'a', former: [], pinned: 'a', rows: new Map([['a', 2]]) }),
    'good',
    /as the database has it/,
  ],
  [
    'another key',
    judgeKeys({ own: 'b', former: [], pinned: 'a', rows: new Map() }),
    'bad',
    /has b; .* under a/,
  ],
  ['no key', judgeKeys({ own: null, former: [], pinned: 'a', rows: new Map() }), 'bad', /has no key/],
  [
    'a rotation that is not over',
    judgeKeys({
      own: 'b',
      former: ['a'],
      pinned: 'b',
      rows: new Map([
        ['a', 7],
        ['b', 1],
      ]),
    }),
    'note',
    /7 secrets are still under a former key/,
  ],
];

for (const [situation, finding, level, says] of CASES) {
  test(`${situation}: ${level}`, () => {
    assert.equal(finding.level, level, finding.found);
    assert.match(finding.found, says);
    assert.equal(finding.remedy === undefined || finding.remedy.length < 20, level === 'good', 'a way out');
  });
}

const folder = mkdtempSync(join(tmpdir(), 'orrery-checkup-'));
after(() => rmSync(folder, { recursive: true, force: true }));

test('secrets that others may read are named, with the command that closes them', () => {
  const data = join(folder, 'data');
  mkdirSync(data, { mode: 0o711 });
  writeFileSync(join(data, 'master-key'), 'x', { mode: 0o600 });
  assert.equal(checkSecretFiles(data).level, 'good');
  chmodSync(join(data, 'master-key'), 0o640);
  const finding = checkSecretFiles(data);
  assert.equal(finding.level, 'bad');
  assert.match(finding.found, /master-key \(640\)/);
  assert.equal(finding.remedy, `chmod go-rwx ${join(data, 'master-key')}`);
  assert.equal(checkDataFolder(join(folder, 'none')).level, 'note');
  assert.equal(checkDataFolder(join(data, 'master-key')).level, 'bad');
});

test('a Python that is not there, too old, or without venv', async () => {
  const python = (name: string, script: string) => {
    const path = join(folder, name);
    writeFileSync(path, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    return checkPython(path);
  };
  assert.match((await checkPython(join(folder, 'no-python'))).found, /is not there/);
  const old = await python('old', 'echo 3.6.1');
  assert.deepEqual([old.level, /3\.6\.1/.test(old.found)], ['note', true]);
  const bare = await python('bare', 'echo "ModuleNotFoundError: ensurepip" >&2; exit 1');
  assert.deepEqual([bare.level, /ensurepip/.test(bare.found)], ['note', true]);
  assert.equal((await python('fine', 'echo 3.12.0')).level, 'good');
});

test('findings are told one a line, with the way out beneath, and whether all is well', () => {
  const findings = CASES.slice(0, 2).map(([, finding]) => finding);
  assert.equal(isWell(findings), false);
  assert.match(told(findings), /^ok +node +Node\.js 22\.1\.0\nBAD +node +.*\n +Install.*\n\n1 of 2 checks/);
  assert.match(told(findings.slice(0, 1)), /All is well \(1 checks, 0 to note\)/);
});
