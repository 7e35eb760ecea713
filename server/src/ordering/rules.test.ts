import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import fc from 'fast-check';
import { DomainError } from '../errors.js';
import { namesFor } from './hostnames.js';
import {
  isOver,
  type JobOutcome,
  ORDER_STATUSES,
  type OrderAction,
  offeredActions,
  outcomeOf,
  requireMove,
} from './order-state.js';
import { type Amounts, added, breaches, MEASURES, MEASURES_OF, NOTHING, type Quota } from './quotas.js';
import { costOf, type Rate, shownRate, sum } from './rates.js';
import { cpuCount, diskGb, memoryMb, shownMemory } from './sizes.js';

const refusedAs = (reason: string) => (error: unknown) =>
  error instanceof DomainError && error.reason === reason;

describe('moves of an order', () => {
  /** `+`: it moves; `=`: it has gone there already; `!`: refused. In the order of ORDER_STATUSES. */
  const MOVES: Readonly<Record<OrderAction, string>> = {
    //          CART PENDING ACTIVE SUCCESS WARNING FAILURE CANCELED DENIED
    submit: '+ = = = = = ! !',
    approve: '! + ! ! ! ! ! !',
    deny: '! + ! ! ! ! ! !',
    cancel: '+ + ! ! ! ! ! !',
    duplicate: '! + + + + + + +',
  };
  for (const [action, row] of Object.entries(MOVES)) {
    test(`${action} in each state`, () => {
      const found = ORDER_STATUSES.map((status) => {
        try {
          return requireMove(action as OrderAction, status) ? '+' : '=';
        } catch (error) {
          assert.ok(refusedAs('order-state')(error));
          return '!';
        }
      });
      assert.equal(found.join(' '), row);
    });
  }

  test('a refusal says which state it would take, in the words that clients look for', () => {
    assert.throws(() => requireMove('approve', 'CART'), {
      message: "Only orders that are in 'PENDING' state can be approved. Current state of order is CART",
    });
  });

  test('what is offered in a state is never refused in it', () => {
    for (const status of ORDER_STATUSES) {
      for (const action of offeredActions(status))
        assert.ok(requireMove(action, status), `${action} ${status}`);
    }
  });

  test('only CART, PENDING and ACTIVE go on', () => {
    assert.deepEqual(
      ORDER_STATUSES.filter((status) => !isOver(status)),
      ['CART', 'PENDING', 'ACTIVE'],
    );
  });
});

describe('how an order ends', () => {
  const ENDINGS: readonly (readonly [readonly JobOutcome[], string])[] = [
    [['SUCCESS'], 'SUCCESS'],
    [['SUCCESS', 'SUCCESS'], 'SUCCESS'],
    [['FAILURE'], 'FAILURE'],
    [['CANCELED'], 'FAILURE'],
    [['FAILURE', 'CANCELED'], 'FAILURE'],
    [['SUCCESS', 'FAILURE'], 'WARNING'],
    [['SUCCESS', 'WARNING'], 'WARNING'],
    [['WARNING'], 'WARNING'],
    [['WARNING', 'FAILURE'], 'WARNING'],
  ];
  for (const [jobs, ending] of ENDINGS) {
    test(`${jobs.join(', ')}: ${ending}`, () => assert.equal(outcomeOf(jobs), ending));
  }

  test('does not depend on the order of its jobs', () => {
    const job = fc.constantFrom<JobOutcome>('SUCCESS', 'WARNING', 'FAILURE', 'CANCELED');
    fc.assert(
      fc.property(fc.array(job, { minLength: 1 }), (jobs) => {
        assert.equal(outcomeOf(jobs), outcomeOf([...jobs].reverse()));
      }),
    );
  });
});

describe('sizes', () => {
  const MEMORY: readonly (readonly [unknown, number])[] = [
    [2, 2048],
    ['2', 2048],
    ['2 GB', 2048],
    ['2gb', 2048],
    ['2048 MB', 2048],
    ['1.5', 1536],
    [0.5, 512],
    ['1 TB', 1024 * 1024],
    ['4 GiB', 4096],
    [0.1, 102.4],
  ];
  for (const [written, mb] of MEMORY) {
    test(`memory ${JSON.stringify(written)} is ${mb} MB, or refused where that is not whole`, () => {
      if (Number.isInteger(mb)) assert.equal(memoryMb(written, 'mem_size'), mb);
      else assert.throws(() => memoryMb(written, 'mem_size'), refusedAs('size-invalid'));
    });
  }
  for (const written of [
    '',
    'much',
    '-1',
    -1,
    0,
    null,
    true,
    [],
    {},
    '2 XB',
    '1e3',
    Number.NaN,
    '99999 TB',
  ]) {
    test(`${JSON.stringify(written)} is no size, and the refusal names the field`, () => {
      for (const read of [memoryMb, diskGb, cpuCount]) {
        assert.throws(
          () => read(written, 'mem_size'),
          (error: unknown) =>
            error instanceof DomainError &&
            error.reason === 'size-invalid' &&
            error.message.startsWith('mem_size'),
        );
      }
    });
  }
  test('a disk is whole gigabytes', () => {
    assert.equal(diskGb('40', 'disk_size'), 40);
    assert.equal(diskGb('1 TB', 'disk_size'), 1024);
    assert.throws(() => diskGb('1.5', 'disk_size'), refusedAs('size-invalid'));
  });
  test('what is shown of memory is read as the same', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 4096 }).map((n) => n * 128),
        (mb) => {
          assert.equal(memoryMb(shownMemory(mb), 'mem_size'), mb);
        },
      ),
    );
    assert.equal(shownMemory(1024), '1 GB');
    assert.equal(shownMemory(1536), '1.5 GB');
  });
});

describe('rates', () => {
  const rates: readonly Rate[] = [
    { subject: 'cpu', name: '', environment: null, amount: 10 },
    { subject: 'cpu', name: '', environment: 3, amount: 12 },
    { subject: 'memory', name: '', environment: null, amount: 2.4 },
    { subject: 'disk', name: '', environment: null, amount: 0.1 },
    { subject: 'os-build', name: 'RHEL', environment: null, amount: 5 },
    { subject: 'application', name: 'nginx', environment: null, amount: 1.25 },
    { subject: 'parameter', name: 'backup', environment: null, amount: 3 },
  ];
  const server = {
    environment: 2,
    cpus: 2,
    memoryMb: 2048,
    diskGb: 40,
    osBuild: null,
    applications: [],
    parameters: {},
  };
  test('are counted for processors, GB of memory and GB of disk', () => {
    assert.deepEqual(costOf(server, rates), { hardware: 28.8, software: 0, extra: 0, total: 28.8 });
    assert.equal(shownRate(28.8, 'month'), '28.80/month');
  });
  test('of an environment take the place of those that hold everywhere', () => {
    assert.equal(costOf({ ...server, environment: 3 }, rates).hardware, 32.8);
  });
  test('of OS builds and applications are software, of parameters extra', () => {
    const rich = {
      ...server,
      osBuild: 'RHEL',
      applications: ['nginx', 'other'],
      parameters: { backup: true },
    };
    assert.deepEqual(costOf(rich, rates), { hardware: 28.8, software: 6.25, extra: 3, total: 38.05 });
    assert.equal(costOf({ ...server, parameters: { backup: '2' } }, rates).extra, 6);
    assert.equal(costOf({ ...server, parameters: { backup: 'yes' } }, rates).extra, 0);
  });
  test('of which there are none make 0.00', () => {
    assert.equal(shownRate(costOf(server, []).total, 'month'), '0.00/month');
    assert.equal(shownRate(-0.001, 'hour'), '0.00/hour');
  });
  test('add up without fractions of their own: ten times 0.1 is 1', () => {
    assert.equal(sum(Array.from({ length: 10 }, () => 0.1)), 1);
    const amount = fc.integer({ min: 0, max: 10_000_000 }).map((n) => n / 10_000);
    fc.assert(fc.property(fc.array(amount), (all) => assert.equal(sum(all), sum([...all].reverse()))));
  });
  test('grow with what a server has', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 64 }), fc.integer({ min: 0, max: 64 }), (cpus, more) => {
        assert.ok(
          costOf({ ...server, cpus: cpus + more }, rates).total >= costOf({ ...server, cpus }, rates).total,
        );
      }),
    );
  });
});

describe('quotas', () => {
  const amounts: fc.Arbitrary<Amounts> = fc.record({
    servers: fc.integer({ min: -5, max: 20 }),
    cpus: fc.integer({ min: -5, max: 20 }),
    memoryMb: fc.integer({ min: -5, max: 20 }),
    diskGb: fc.integer({ min: -5, max: 20 }),
    rate: fc.integer({ min: -5, max: 20 }),
  });
  const quota: Quota = { holder: 'group', of: 1, name: 'Dev', limits: { servers: 10 } };

  test('are broken by what goes beyond them and by nothing that fits', () => {
    assert.deepEqual(breaches(quota, { ...NOTHING, servers: 9 }, { ...NOTHING, servers: 1 }), []);
    assert.deepEqual(breaches(quota, { ...NOTHING, servers: 9 }, { ...NOTHING, servers: 2 }), [
      { holder: 'group', name: 'Dev', measure: 'servers', limit: 10, used: 9, asked: 2 },
    ]);
  });
  test('limit only what they name, and a handler knows no prices', () => {
    const asked = { servers: 1, cpus: 99, memoryMb: 99, diskGb: 99, rate: 99 };
    assert.deepEqual(breaches(quota, NOTHING, asked), []);
    assert.ok(!MEASURES_OF.handler.includes('rate'));
    assert.deepEqual(breaches({ ...quota, holder: 'handler', limits: { rate: 1 } }, NOTHING, asked), []);
  });
  test('are never broken by what gives back, however much is used', () => {
    fc.assert(
      fc.property(amounts, amounts, amounts, (limits, used, asked) => {
        const given = Object.fromEntries(
          MEASURES.map((one) => [one, -Math.abs(asked[one])]),
        ) as unknown as Amounts;
        assert.deepEqual(breaches({ ...quota, limits }, used, given), []);
      }),
    );
  });
  test('that hold one after the other hold together', () => {
    fc.assert(
      fc.property(amounts, fc.array(amounts, { maxLength: 6 }), (limits, asks) => {
        let used = NOTHING;
        for (const ask of asks) {
          const positive = Object.fromEntries(
            MEASURES.map((one) => [one, Math.abs(ask[one])]),
          ) as unknown as Amounts;
          if (breaches({ ...quota, limits }, used, positive).length === 0) used = added(used, positive);
        }
        for (const one of MEASURES) assert.ok(used[one] === 0 || used[one] <= limits[one]);
      }),
    );
  });
});

describe('hostnames', () => {
  const none = new Set<string>();
  test('of a template with a number are the next free ones', () => {
    assert.deepEqual(namesFor('web0X', 2, none), ['web01', 'web02']);
    assert.deepEqual(namesFor('web0X', 2, new Set(['web01', 'web03'])), ['web02', 'web04']);
    assert.deepEqual(namesFor('db00X.example.org', 1, none), ['db001.example.org']);
    assert.deepEqual(
      namesFor(
        'web0X',
        1,
        new Set(Array.from({ length: 99 }, (_, n) => `web${String(n + 1).padStart(2, '0')}`)),
      ),
      ['web100'],
    );
  });
  test('of several servers under one name are told apart', () => {
    assert.deepEqual(namesFor('web', 2, none), ['web-1', 'web-2']);
    assert.deepEqual(namesFor('web.example.org', 2, new Set(['web-1.example.org'])), [
      'web-2.example.org',
      'web-3.example.org',
    ]);
  });
  test('take words from around them', () => {
    assert.deepEqual(namesFor('{{ group }}-0X', 1, none, { group: 'Group Foo!' }), ['Group-Foo-01']);
    assert.throws(() => namesFor('{{ nobody }}', 1, none, { group: 'x' }), refusedAs('hostname-invalid'));
  });
  test('that are in use are refused, whatever their case', () => {
    assert.throws(() => namesFor('Web', 1, new Set(['web'])), refusedAs('hostname-taken'));
  });
  for (const bad of ['', ' ', 'a b', '-a', 'a-', 'a..b', 'ü', 'a'.repeat(64), 'a;rm -rf', '../a', '{{x']) {
    test(`${JSON.stringify(bad.slice(0, 20))} is no hostname`, () => {
      assert.throws(() => namesFor(bad, 1, none), refusedAs('hostname-invalid'));
    });
  }
  test('are as many as were asked for, different, and taken by nobody', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('web0X', 'a', 'b00X.c'),
        fc.integer({ min: 1, max: 50 }),
        fc.array(fc.integer({ min: 1, max: 60 })),
        (template, count, numbers) => {
          const taken = new Set(numbers.map((n) => namesFor('web0X', n, none).at(-1)!));
          const names = namesFor(template, count, taken);
          assert.equal(new Set(names).size, count);
          assert.ok(names.every((name) => !taken.has(name)));
        },
      ),
    );
  });
});
