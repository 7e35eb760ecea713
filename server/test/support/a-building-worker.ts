/** A process that builds a plugin's environment and runs it until it is killed: `node a-building-worker.js FOLDER FUNCTION`. */
import { createPythonPlugin } from '../../src/plugins/python/python.js';
import { declared } from '../../src/plugins/python/testdata/declared.js';
import { recordedRequest } from '../../src/plugins/recorded-request.js';
import { SLOW_TO_BUILD } from './wagons.js';

const plugin = createPythonPlugin({ folder: process.argv[2]!, kept: async () => new Set() });
await plugin.run(
  recordedRequest(process.argv[3]!, { plugin: declared('slow', 'slow'), package: SLOW_TO_BUILD }),
);
