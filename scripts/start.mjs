// `npm start`: from a fresh clone to a running server. The server runs in this very process, so that whoever ends or
// kills it meets the server itself.
import { makeReady } from './ready.mjs';

await makeReady();
await import('../server/build/src/main.js');
