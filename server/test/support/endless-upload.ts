/** A process that uploads a blueprint without end, until it is killed. Arguments: database, name of a user. */
import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { Callers } from '../../src/identity/callers.js';
import { openPool } from '../../src/store/pool.js';
import { tarHeader } from './archives.js';
import { catalog } from './catalog.js';

const [databaseUrl = '', username = ''] = process.argv.slice(2);
const pool = openPool({ databaseUrl, max: 4, applicationName: 'endless upload' });
const caller = await new Callers({ pool }).actingAs(username, 'default_tenant', 'test');
const bytes = (function* () {
  yield tarHeader({ path: 'app/big' }, 0o77777777777);
  for (;;) yield randomBytes(65_536);
})();
await catalog(pool).uploads.upload(caller, {
  id: 'killed',
  source: { kind: 'stream', stream: Readable.from(bytes, { objectMode: false }) },
});
