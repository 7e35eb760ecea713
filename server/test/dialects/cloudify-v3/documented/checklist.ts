/** Which tests say that they cover which documented call, read from their sources. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { CALLS, type Call, formOf, NOT_YET } from './calls.js';

export interface Covering {
  readonly call: string;
  readonly sentence: string;
  /** The file of the test, in `server/test/dialects/cloudify-v3/documented`. */
  readonly file: string;
}

const COVERS = /\bcovers\(\s*(['"])(.+?)\1,\s*(['"])(.+?)\3,/g;

/** @param folder the folder of this file, in the sources */
export function readCoverings(folder: string): Covering[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.test.ts'))
    .sort()
    .flatMap((file) =>
      [...readFileSync(join(folder, file), 'utf8').matchAll(COVERS)].map(([, , call, , sentence]) => ({
        call: call!,
        sentence: sentence!,
        file,
      })),
    );
}

/** What keeps the checklist from being whole; empty when every call is covered or known as not served. */
export function troubles(coverings: readonly Covering[], notYet: readonly Call[] = NOT_YET): string[] {
  const covered = new Set(coverings.map(({ call }) => call));
  const calls = Object.keys(CALLS) as Call[];
  return [
    ...calls
      .filter((call) => !covered.has(call) && !notYet.includes(call))
      .map((call) => `no test covers "${call}"`),
    ...notYet.filter((call) => covered.has(call)).map((call) => `"${call}" is covered: take it off NOT_YET`),
    ...[...covered].filter((call) => !(call in CALLS)).map((call) => `there is no call "${call}"`),
  ];
}

/** The page that shows it. */
export function checklistPage(coverings: readonly Covering[]): string {
  const calls = Object.keys(CALLS) as Call[];
  const sections = [...new Set(calls.map((call) => call.split(':')[0]!))];
  const covered = calls.filter((call) => !NOT_YET.includes(call)).length;
  const parts = sections.map((section) => {
    const rows = calls.filter((call) => call.startsWith(`${section}:`)).map((call) => row(call, coverings));
    return `## ${section}\n\n| call | sent as | answer | tests |\n|---|---|---|---|\n${rows.join('\n')}\n`;
  });
  return `# The documented calls of Cloudify's API, and the tests that send them

Made by \`scripts/documented-calls.mjs\` from \`server/test/dialects/cloudify-v3/documented/calls.ts\` and the tests beside it; not to be
edited. Each test sends its call over HTTP as curl would, and fails unless a request of that form is answered with
that status. ${covered} of ${calls.length} are covered.

${parts.join('\n')}`;
}

function row(call: Call, coverings: readonly Covering[]): string {
  const { method, path, query, body, status } = formOf(call);
  const words = [
    query.length === 0 ? '' : `?${query.join('&')}`,
    body.length === 0 ? '' : ` {${body.join(', ')}}`,
  ];
  const tests = coverings.filter((each) => each.call === call);
  const told = tests.map(({ sentence, file }) => `${sentence} (\`${file}\`)`).join('<br>');
  return `| ${call.slice(call.indexOf(':') + 2)} | \`${method} ${path}${words.join('')}\` | ${status} | ${told || 'not served yet'} |`;
}
