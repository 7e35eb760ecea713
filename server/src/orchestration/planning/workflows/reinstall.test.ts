import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { aDeployment, inState } from '../testdata/a-deployment.js';
import { printed } from '../testdata/printed.js';
import { reinstall } from './reinstall.js';

describe('reinstall', () => {
  it('installs from deleted after the whole of the uninstall', () => {
    const model = inState(
      aDeployment({
        a: { operations: ['lifecycle.start', 'lifecycle.stop'] },
        b: { operations: ['lifecycle.create'] },
      }),
      { '*': 'started' },
    );
    assert.equal(
      printed(reinstall(model, {})),
      `
reinstall: 5 tasks
0 b_2 marker
  < stopping, "Stopping node instance", "Validating node instance after deletion: nothing to do", "Stopped node instance: nothing to do", stopped, "Deleting node instance: nothing to do", deleted, "Deleted node instance"
1 a_1 lifecycle.stop
  > stopping, "Stopping node instance", "Validating node instance after deletion: nothing to do"
  < "Stopped node instance", stopped, "Deleting node instance: nothing to do", deleted, "Deleted node instance"
2 marker, after 0 1
3 a_1 lifecycle.start, after 2
  > initializing, "Validating node instance before creation: nothing to do", "Precreating node instance: nothing to do", "Creating node instance: nothing to do", "Configuring node instance: nothing to do", starting, "Starting node instance"
  < "Poststarting node instance: nothing to do", started, "Node instance started"
4 b_2 lifecycle.create, after 2
  > initializing, "Validating node instance before creation: nothing to do", "Precreating node instance: nothing to do", creating, "Creating node instance"
  < created, "Node instance created", "Configuring node instance: nothing to do", "Starting node instance: nothing to do", "Poststarting node instance: nothing to do", started, "Node instance started"
`,
    );
  });

  it('takes back and renews the links of instances that stay, and ignores only failures of the uninstall', () => {
    const model = inState(
      aDeployment({
        db: { operations: ['lifecycle.start', 'lifecycle.stop'] },
        web: { relationships: [{ to: 'db', source: ['establish', 'unlink'] }] },
      }),
      { '*': 'started' },
    );
    assert.equal(
      printed(reinstall(model, { node_ids: ['db'], ignore_failure: true })),
      `
reinstall: 4 tasks
0 web_2 relationship_lifecycle.unlink of 0 at source, failure ignored
1 db_1 lifecycle.stop, after 0, failure ignored
  > stopping, "Stopping node instance", "Validating node instance after deletion: nothing to do"
  < "Stopped node instance", stopped, "Deleting node instance: nothing to do", deleted, "Deleted node instance"
2 db_1 lifecycle.start, after 1
  > initializing, "Validating node instance before creation: nothing to do", "Precreating node instance: nothing to do", "Creating node instance: nothing to do", "Configuring node instance: nothing to do", starting, "Starting node instance"
  < "Poststarting node instance: nothing to do", started, "Node instance started"
3 web_2 relationship_lifecycle.establish of 0 at source, after 2
`,
    );
  });
});
