/**
 * What every plugin must hold to, as tests: a plugin's own test file calls `conforms` with an operation of each kind.
 *
 * The engine relies on each of these. Answers are data: an engine stores them, so they must survive JSON. The request
 * is not the plugin's to change. An abort is answered soon, with nothing left running. Two operations at a time do not
 * know of each other. What declares itself resumable gives the same end when it runs twice under one operation id.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { JsonObject, PlanPlugin } from '../dsl/plan.js';
import type { AbortReason, OperationOutcome, Plugin } from './plugin.js';
import type { PluginPackage } from './plugin-package.js';
import { type RecordedRequest, recordedRequest } from './recorded-request.js';

export interface ConformanceOperation {
  readonly functionName: string;
  readonly inputs?: JsonObject;
  readonly resources?: Readonly<Record<string, string>>;
  /** As a blueprint declares it, where the plugin asks for that. */
  readonly plugin?: PlanPlugin;
  readonly package?: PluginPackage;
}

export interface ConformanceSubject {
  readonly name: string;
  create(): Promise<{ readonly plugin: Plugin; close(): Promise<void> }>;
  /** The plugin learns which functions there are when it runs one: what it describes is any well-formed name. */
  readonly functionsUnknown?: boolean;
  readonly operations: {
    /** Ends well within a second or two. */
    readonly quick: ConformanceOperation;
    /** Fails, and may be tried again. */
    readonly failing: ConformanceOperation;
    /** Runs for minutes unless it is ended. */
    readonly endless: ConformanceOperation;
    /** Ends well and changes the runtime properties of its instance. */
    readonly changing: ConformanceOperation;
    /** Says far more than anybody wants to read. */
    readonly talkative: ConformanceOperation;
  };
}

/** Log rows and characters an operation may cost, however much it says. */
const MOST_ROWS = 10_100;
const MOST_CHARACTERS = 4 * 1024 * 1024;
/** Milliseconds to answer an abort: a grace of 5 seconds and what the host takes. */
const SOON = 8000;

export function conforms(subject: ConformanceSubject): void {
  describe(`${subject.name} is a plugin as the engine expects it`, () => {
    let plugin: Plugin;
    let close = async () => {};
    const { quick, failing, endless, changing, talkative } = subject.operations;

    before(async () => {
      ({ plugin, close } = await subject.create());
    });
    after(() => close());

    const run = async (operation: ConformanceOperation, request = requestFor(operation)) => {
      const outcome = await plugin.run(request);
      holds(outcome, request);
      return { outcome, request };
    };

    it('describes the functions it has, and only those', () => {
      for (const operation of Object.values(subject.operations)) {
        assert.equal(typeof plugin.describe(operation.functionName)?.resumable, 'boolean');
      }
      const unknown = subject.functionsUnknown === true ? [] : ['no.such.function'];
      for (const name of [...unknown, '', '__proto__', 'constructor', 'toString']) {
        assert.equal(plugin.describe(name), null, name);
      }
    });

    it('answers an unknown function with a failure that no retry repairs', async () => {
      const { outcome } = await run({ ...quick, functionName: 'no.such.function' });
      assert.ok(outcome.kind === 'failed');
      assert.equal(outcome.failure.retryable, false);
    });

    it('says that it is done', async () => {
      assert.equal((await run(quick)).outcome.kind, 'done');
    });

    it('says that it failed, and why, as data', async () => {
      const { outcome } = await run(failing);
      assert.ok(outcome.kind === 'failed');
      assert.equal(outcome.failure.retryable, true);
      assert.notEqual(outcome.failure.message, '');
    });

    it('hands changed runtime properties over with its outcome', async () => {
      const { outcome, request } = await run(changing);
      assert.equal(outcome.kind, 'done');
      const changes = outcome.runtimeProperties?.[request.context.self!.instance.id];
      assert.ok(changes !== undefined && Object.keys(changes).length > 0);
    });

    it('leaves the request as it was', async () => {
      for (const operation of [quick, changing]) {
        const request = requestFor(operation);
        const as = JSON.stringify([request.inputs, request.operation, request.context]);
        await run(operation, request);
        assert.equal(JSON.stringify([request.inputs, request.operation, request.context]), as);
      }
    });

    for (const reason of ['cancelled', 'killed', 'shutdown', 'fenced', 'timeout'] as const) {
      it(`answers soon when it is ${reason}, before and while it runs`, async () => {
        const early = requestFor(endless);
        early.abort(reason);
        assertEnded((await run(endless, early)).outcome, reason);

        const request = requestFor(endless);
        const running = run(endless, request);
        await Promise.race([request.logged(/./), passed(200)]);
        const start = performance.now();
        request.abort(reason);
        assertEnded((await running).outcome, reason);
        assert.ok(performance.now() - start < SOON);
      });
    }

    it('costs a bounded number of log rows', async () => {
      const { request } = await run(talkative);
      assert.ok(request.logs.length <= MOST_ROWS, `${request.logs.length} rows`);
      const characters = request.logs.reduce((sum, { message }) => sum + message.length, 0);
      assert.ok(characters <= MOST_CHARACTERS, `${characters} characters`);
    });

    it('runs operations beside each other', async () => {
      const hanging = requestFor(endless);
      const waiting = run(endless, hanging);
      const results = await Promise.all([run(quick), run(failing), run(changing), run(quick)]);
      assert.deepEqual(
        results.map(({ outcome }) => outcome.kind),
        ['done', 'failed', 'done', 'done'],
      );
      hanging.abort('killed');
      assert.equal((await waiting).outcome.kind, 'aborted');
    });

    it('comes to the same end when what it calls resumable runs twice under one operation id', async () => {
      for (const operation of [quick, changing]) {
        if (plugin.describe(operation.functionName)?.resumable !== true) continue;
        const ends: OperationOutcome[] = [];
        for (const attempt of [1, 2]) {
          const request = requestFor(operation, { id: 'execution-1:twice', attempt });
          ends.push((await run(operation, request)).outcome);
        }
        assert.deepEqual(ends[0], ends[1]);
      }
    });

    it('recovers when there is nothing to recover', async () => {
      await plugin.recover?.();
      assert.equal((await run(quick)).outcome.kind, 'done');
    });
  });
}

function requestFor(
  operation: ConformanceOperation,
  parts: { id?: string; attempt?: number } = {},
): RecordedRequest {
  return recordedRequest(operation.functionName, {
    operation: parts,
    ...(operation.inputs === undefined ? {} : { inputs: operation.inputs }),
    ...(operation.package === undefined ? {} : { package: operation.package }),
    ...(operation.plugin === undefined ? {} : { plugin: operation.plugin }),
    ...(operation.resources === undefined ? {} : { resources: operation.resources }),
  });
}

/** What is true of every answer. */
function holds(outcome: OperationOutcome, request: RecordedRequest): void {
  assert.deepEqual(JSON.parse(JSON.stringify(outcome)), outcome, 'an outcome is plain JSON');
  const { self, relationship } = request.context;
  const instances = [self, relationship?.source, relationship?.target].map((one) => one?.instance.id);
  for (const id of Object.keys(outcome.runtimeProperties ?? {})) assert.ok(instances.includes(id), id);
  if (outcome.kind === 'failed') {
    assert.equal(typeof outcome.failure.type, 'string');
    assert.equal(typeof outcome.failure.message, 'string');
    assert.equal(typeof outcome.failure.retryable, 'boolean');
    assert.ok(Array.isArray(outcome.failure.causes));
  }
  const said = JSON.stringify([outcome, request.logs, request.events]);
  assert.ok(!said.includes('\\u0000'), 'text with a NUL character cannot be stored');
}

function assertEnded(outcome: OperationOutcome, reason: AbortReason): void {
  if (reason !== 'timeout') {
    assert.equal(outcome.kind, 'aborted');
    return;
  }
  assert.ok(outcome.kind === 'failed', 'a timeout is a failure');
  assert.equal(outcome.failure.type, 'TimeoutException');
  assert.equal(outcome.failure.retryable, true);
}

function passed(milliseconds: number): Promise<void> {
  return new Promise((done) => setTimeout(done, milliseconds));
}
