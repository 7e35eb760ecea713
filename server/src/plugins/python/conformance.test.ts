import { spawnSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { it } from 'node:test';
import { aPackage } from '../../../test/support/wagons.js';
import { type ConformanceOperation, conforms } from '../conformance.js';
import { createPythonPlugin } from './python.js';
import { declared } from './testdata/declared.js';

const TASKS = `
import sys, time
from cloudify import ctx
from cloudify.decorators import operation

@operation
def quick(**_):
    return 'done'

@operation
def failing(**_):
    raise ValueError('this does not work')

@operation
def endless(**_):
    ctx.logger.info('waiting')
    time.sleep(600)

@operation
def changing(**_):
    ctx.instance.runtime_properties['id'] = 'one'

@operation
def talkative(**_):
    for _ in range(200000):
        sys.stdout.write('y' * 100 + '\\n')
    for _ in range(500):
        ctx.logger.info('and more')
`;

const plugin = declared('demo', 'demo-plugin');
const files = { 'demo/__init__.py': '', 'demo/tasks.py': TASKS };
const wagon = aPackage({ name: 'demo-plugin', files });

function task(name: string): ConformanceOperation {
  return { functionName: `demo.tasks.${name}`, plugin, package: wagon };
}

if (spawnSync('python3', ['--version']).status === 0) {
  conforms({
    name: 'the plugin that runs uploaded plugins',
    functionsUnknown: true,
    async create() {
      const folder = await mkdtemp(join(tmpdir(), 'orrery-python-conformance-'));
      const kept = async (sha256s: readonly string[]) => new Set(sha256s);
      const python = createPythonPlugin({ folder, kept, grace: 200 });
      return {
        plugin: python,
        async close() {
          await python.close();
          await rm(folder, { recursive: true });
        },
      };
    },
    operations: {
      quick: task('quick'),
      failing: task('failing'),
      endless: task('endless'),
      changing: task('changing'),
      talkative: task('talkative'),
    },
  });
} else {
  it('uploaded plugins run as the engine expects it', { skip: 'there is no python3 here' }, () => {});
}
