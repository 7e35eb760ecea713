// `npm run openapi`: writes openapi/DIALECT.json, one document per dialect, from the schemas on its routes.
//   --check   writes nothing; fails when what is kept is not what the code says
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeReady, root } from './ready.mjs';

const folder = join(root, 'openapi');
const check = process.argv.includes('--check');

await makeReady();
const built = (path) => import(join(root, 'server/build/src', path));
const { describeDialect } = await built('openapi/of-dialect.js');
const { DIALECTS } = await built('dialects/index.js');
const { loadSettings } = await built('config.js');
const { VERSION } = await built('version.js');

const { settings } = loadSettings({});
const wanted = new Map();
for (const dialect of DIALECTS) {
  wanted.set(`${dialect.name}.json`, await describeDialect(dialect, settings, VERSION));
}
const kept = existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.json')) : [];
const outdated = [...wanted].filter(
  ([name, text]) => !kept.includes(name) || readFileSync(join(folder, name), 'utf8') !== text,
);
const abandoned = kept.filter((name) => !wanted.has(name));

if (check) {
  const names = [...outdated.map(([name]) => name), ...abandoned];
  if (names.length > 0) {
    process.stderr.write(
      `Not what the code says: ${names.map((name) => `openapi/${name}`).join(', ')}. Run: npm run openapi\n`,
    );
    process.exit(1);
  }
} else {
  mkdirSync(folder, { recursive: true });
  for (const [name, text] of outdated) {
    writeFileSync(join(folder, name), text);
    process.stdout.write(`openapi/${name} written\n`);
  }
  for (const name of abandoned) {
    rmSync(join(folder, name));
    process.stdout.write(`openapi/${name} removed\n`);
  }
  if (outdated.length + abandoned.length === 0) process.stdout.write('openapi/ is up to date\n');
}
