/** Compiles, prepares and tells spoilt blueprints: each must come to a plan or to diagnostics, and soon. */
import { expandPlan } from '../../src/dialects/cloudify-v3/plan.js';
import { compile } from '../../src/dsl/blueprint/compile.js';
import { prepare } from '../../src/dsl/blueprint/prepare.js';
import type { Json, JsonObject } from '../../src/dsl/plan.js';
import { PREPARE_CONTEXT } from '../../src/dsl/testdata/archive.js';
import { blueprintSamples } from './blueprint-samples.js';
import { chanceOf } from './chance.js';
import { garbageValue } from './garbage.js';
import { type SpoiltBlueprint, spoiltBlueprint } from './spoilt-blueprints.js';

/** Milliseconds one blueprint may take. */
export const LONGEST = 2000;

export interface BlueprintTrouble {
  readonly number: number;
  readonly what: string;
  readonly text: string;
}

export interface BlueprintsReport {
  readonly tried: number;
  /** That came to a plan, and whose plan could be prepared. */
  readonly compiled: number;
  readonly prepared: number;
  readonly slowest: number;
  readonly troubles: readonly BlueprintTrouble[];
}

export interface BlueprintsOptions {
  readonly seed: number;
  readonly count: number;
  readonly from?: number;
  /** Told before each blueprint is tried. */
  readonly progress?: (number: number) => void;
}

export function fuzzBlueprints({ seed, count, from = 0, progress }: BlueprintsOptions): BlueprintsReport {
  const samples = blueprintSamples();
  const troubles: BlueprintTrouble[] = [];
  const figures = { compiled: 0, prepared: 0, slowest: 0 };
  for (let number = from; number < from + count; number++) {
    progress?.(number);
    const spoilt = spoiltBlueprint(samples, seed, number);
    const trouble = (what: string) => troubles.push({ number, what, text: JSON.stringify(spoilt) });
    const started = performance.now();
    try {
      const outcome = tried(spoilt, seed, number);
      if (outcome !== 'refused') figures.compiled++;
      if (outcome === 'prepared') figures.prepared++;
    } catch (error) {
      trouble(error instanceof Error ? (error.stack ?? error.message) : String(error));
    }
    const took = performance.now() - started;
    figures.slowest = Math.max(figures.slowest, took);
    if (took > LONGEST) trouble(`took ${Math.round(took)} ms`);
  }
  return { tried: count, ...figures, troubles };
}

function tried(spoilt: SpoiltBlueprint, seed: number, number: number): 'refused' | 'compiled' | 'prepared' {
  const { files, imported, plugin } = spoilt;
  const request = {
    mainFile: 'blueprint.yaml',
    read: (path: string) => (Object.hasOwn(files, path) ? files[path]! : null),
    exists: (path: string) => Object.hasOwn(files, path) || path.startsWith('scripts/'),
    imported: new Map<string, string>(),
  };
  let result = compile(request);
  for (let round = 0; result.kind === 'needs'; round++) {
    if (round > 30) return 'refused';
    for (const name of result.imports)
      request.imported.set(name, name.startsWith('plugin:') ? plugin : imported);
    result = compile(request);
  }
  if (result.kind === 'diagnostics') {
    if (result.diagnostics.length === 0) throw new Error('refused without a word');
    for (const { summary, at } of result.diagnostics) {
      if (summary === '' || !(at.line >= 1) || !(at.column >= 1)) throw new Error(`nowhere: ${summary}`);
    }
    return 'refused';
  }
  JSON.stringify(expandPlan(result.plan));
  const chance = chanceOf(seed, number, 1);
  const inputs = { ...spoilt.inputs } as JsonObject;
  for (const name of Object.keys(result.plan.inputs)) {
    if (chance.oneIn(3)) inputs[name] = garbageValue(chance) as Json;
  }
  const prepared = prepare(result.plan, chance.oneIn(2) ? inputs : {}, PREPARE_CONTEXT, {
    correctTypes: chance.oneIn(2),
  });
  if (prepared.kind !== 'prepared') return 'compiled';
  JSON.stringify(expandPlan(prepared.plan));
  return 'prepared';
}
