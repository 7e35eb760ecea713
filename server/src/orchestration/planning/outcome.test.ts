import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { TaskFailure } from '../../errors.js';
import type { TaskState } from './graph.js';
import { type Circumstances, failureMessage, type Outcome, outcome } from './outcome.js';
import { aDeployment } from './testdata/a-deployment.js';
import { install } from './workflows/install.js';

const built = install(
  aDeployment({ db: { operations: ['lifecycle.create', 'lifecycle.configure', 'lifecycle.start'] } }),
  {},
);
assert.ok('tasks' in built);
const GRAPH = built;

describe('outcome', () => {
  const going: Circumstances = { cancelling: false };
  const cancelling: Circumstances = { cancelling: true };
  const cases: readonly [string, readonly TaskState[], Circumstances, Outcome][] = [
    ['runs while nothing has begun', [], going, 'running'],
    ['runs while something is under way', ['succeeded', 'started'], going, 'running'],
    ['runs while something waits for its next attempt', ['succeeded', 'waiting'], going, 'running'],
    ['is over when all is done or skipped', ['succeeded', 'skipped', 'succeeded'], going, 'terminated'],
    ['failed when a task did, though others never began', ['failed'], going, 'failed'],
    ['failed when a task was interrupted', ['succeeded', 'interrupted'], going, 'failed'],
    ['lets what is under way end before it has failed', ['failed', 'started'], going, 'running'],
    ['waits no longer than it may', ['failed', 'started'], { ...going, impatient: true }, 'failed'],
    ['tries nothing again after a failure', ['failed', 'waiting'], going, 'failed'],
    ['failed when the workflow itself did', [], { ...going, error: true }, 'failed'],
    ['is cancelled once nothing is under way', ['succeeded', 'waiting'], cancelling, 'cancelled'],
    ['lets what is under way end before it is cancelled', ['started'], cancelling, 'running'],
    ['is cancelled at once by force', ['started'], { cancelling: true, impatient: true }, 'cancelled'],
    ['is cancelled rather than failed', ['failed'], cancelling, 'cancelled'],
    ['is cancelled even when all was done', ['succeeded', 'succeeded', 'succeeded'], cancelling, 'cancelled'],
  ];
  for (const [title, states, circumstances, expected] of cases) {
    it(title, () => assert.equal(outcome(GRAPH, states, circumstances), expected));
  }

  it('is over at once where there is nothing to do', () => {
    assert.equal(outcome({ workflow: 'install', tasks: [] }, [], going), 'terminated');
  });
});

describe('failureMessage', () => {
  const failure = (message: string, traceback?: string): TaskFailure => ({
    type: 'ProcessException',
    message,
    retryable: true,
    causes: traceback === undefined ? [] : [{ type: 'ProcessException', message, traceback }],
  });
  const start = (instance: string, told: TaskFailure) => ({
    function: 'script_runner.tasks.run',
    instance,
    operation: 'cloudify.interfaces.lifecycle.start',
    failure: told,
  });

  it('names the task and its failure', () => {
    assert.equal(
      failureMessage([start('db_1', failure('exit_code: 3'))]),
      'Task failed: script_runner.tasks.run (db_1:cloudify.interfaces.lifecycle.start): ProcessException `exit_code: 3`',
    );
  });

  it('lists several failures and adds the traceback of the first, without its own heading', () => {
    const traceback = 'Traceback (most recent call last):\n  File "a.py", line 1\nBoom\n';
    assert.equal(
      failureMessage([start('db_1', failure('one', traceback)), start('web_2', failure('two'))]),
      [
        '2 operation errors:',
        'script_runner.tasks.run (db_1:cloudify.interfaces.lifecycle.start): ProcessException `one`',
        'script_runner.tasks.run (web_2:cloudify.interfaces.lifecycle.start): ProcessException `two`',
        'Traceback of script_runner.tasks.run (db_1:cloudify.interfaces.lifecycle.start) (most recent call last):',
        '  File "a.py", line 1',
        'Boom',
      ].join('\n'),
    );
  });

  it('has nothing to say without failures', () => {
    assert.equal(failureMessage([]), '');
  });
});
