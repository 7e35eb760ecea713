// What `.ci/run` says last: each step's duration, and of what failed the names and the errors. Whoever reads only the end of a
// long log finds them there.
//   node scripts/what-failed.mjs FOLDER   FOLDER/steps has a line `name seconds ok|FAILED` for each step, FOLDER/name.log what it said
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** What is shown of one failed test, of one step, and where a step failed without naming a test. */
const BLOCK = 15;
const BLOCKS = 12;
const TAIL = 40;
const WIDTH = 300;

/** Keys of a failed test's report that say nothing about why. */
const UNTELLING = /^\s*(duration_ms|type|failureType|code|name|expected|actual|operator):/;

/**
 * The tests that failed in the output of node's test runner (TAP), each with its full name and the lines that say why; a group is
 * not told where a test in it is. `at` is the line of its `not ok`.
 */
export function failedTests(lines) {
  const found = [];
  /** Names of the groups that are open, by depth. */
  const path = [];
  for (const [at, line] of lines.entries()) {
    const [, indent, opened, result] = /^((?: {4})*)(?:# Subtest: (.*)|not ok \d+ - (.*))$/.exec(line) ?? [];
    if (indent === undefined) continue;
    const depth = indent.length / 4;
    path.length = Math.min(path.length, depth);
    if (opened !== undefined) path[depth] = opened;
    if (result === undefined || /# (TODO|SKIP)\b/.test(result)) continue;
    const block = blockAfter(lines, at, indent);
    if (block.some((each) => each.includes("failureType: 'subtestsFailed'"))) continue;
    const told = block.filter((each) => !UNTELLING.test(each) && each.trim() !== '');
    found.push({
      at,
      name: [...path, result].join(' > '),
      told: [...saidBefore(lines, at, result), ...told],
    });
  }
  return found;
}

function blockAfter(lines, at, indent) {
  if (lines[at + 1] !== `${indent}  ---`) return [];
  const end = lines.indexOf(`${indent}  ...`, at);
  return lines.slice(at + 2, end === -1 ? at + 2 + BLOCK : end).map((line) => line.slice(indent.length + 2));
}

/** A file that ended by itself is reported under its path; why, it said before. */
function saidBefore(lines, at, result) {
  if (!result.endsWith('.test.js')) return [];
  let from = at - 1;
  while (from > 0 && /^# (?!Subtest)/.test(lines[from - 1])) from -= 1;
  return lines.slice(from, at - 1);
}

/** Where a step that is no test runner says that something failed, with what follows. */
function otherFailures(lines) {
  const found = [];
  for (const [at, line] of lines.entries()) {
    if (/^(FAILED|FAIL:|ERROR:)\s/.test(line))
      found.push({ at, name: line, told: lines.slice(at + 1, at + 1 + BLOCK) });
  }
  return found;
}

/** At most `most` lines: the beginning and the end. */
function bounded(lines, most) {
  const cut = lines.map((line) => (line.length > WIDTH ? `${line.slice(0, WIDTH)} …` : line));
  if (cut.length <= most) return cut;
  const end = Math.floor(most / 3);
  return [...cut.slice(0, most - end - 1), '…', ...cut.slice(-end)];
}

export function summaryOf(steps, logOf) {
  const out = [];
  const names = [];
  for (const { name } of steps.filter(({ failed }) => failed)) {
    const lines = logOf(name).split('\n');
    const failures = [...failedTests(lines), ...otherFailures(lines)].sort((one, other) => one.at - other.at);
    for (const each of failures.slice(0, BLOCKS)) {
      out.push('', `${name}: ${each.name}`, ...bounded(each.told, BLOCK).map((line) => `    ${line}`));
      names.push(`${name}: ${each.name}`);
    }
    if (failures.length > BLOCKS) names.push(`${name}: and ${failures.length - BLOCKS} more`);
    if (failures.length > 0) continue;
    out.push('', `${name}: it ends so`, ...bounded(lines.slice(-TAIL), TAIL).map((line) => `    ${line}`));
    names.push(`${name}: no test of it says that it failed`);
  }
  if (names.length > 0) out.unshift('', '== what failed, and why');
  out.push('', '== steps');
  for (const { name, seconds, failed } of steps)
    out.push(`${failed ? 'FAILED' : 'ok    '} ${name} (${seconds} s)`);
  for (const name of names) out.push(...bounded([`FAILED ${name}`], 1));
  return `${out.join('\n')}\n`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const folder = process.argv[2];
  const lines = readFileSync(join(folder, 'steps'), 'utf8').trim().split('\n');
  const steps = lines.map((line) => {
    const [name, seconds, state] = line.split(' ');
    return { name, seconds, failed: state !== 'ok' };
  });
  process.stdout.write(summaryOf(steps, (name) => readFileSync(join(folder, `${name}.log`), 'utf8')));
}
