import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ConformanceOperation, conforms } from '../conformance.js';
import { createScriptPlugin } from './script.js';

function script(text: string): ConformanceOperation {
  return {
    functionName: 'script_runner.tasks.run',
    inputs: { script_path: 'run.sh' },
    resources: { 'run.sh': `#!/bin/sh\n${text}\n` },
  };
}

conforms({
  name: 'the script plugin',
  async create() {
    const workDir = await mkdtemp(join(tmpdir(), 'orrery-conformance-'));
    const plugin = createScriptPlugin({ workDir, grace: 200 });
    return {
      plugin,
      async close() {
        await plugin.close();
        await rm(workDir, { recursive: true });
      },
    };
  },
  operations: {
    quick: script('true'),
    failing: script('exit 1'),
    endless: script('sleep 600'),
    changing: script('ctx instance runtime-properties id one'),
    talkative: script('yes | head -c 20000000; head -c 100000 /dev/zero'),
  },
});
