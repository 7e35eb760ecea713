import assert from 'node:assert/strict';
import { describe } from 'node:test';
import { aDocumentedServer } from './a-documented-server.js';
import { assertTold } from './told.js';

const { covers, curl } = await aDocumentedServer();

describe('the manager', () => {
  covers('Manager: status', 'is running, with its services and their instances', async () => {
    const { json } = await curl('GET /status');
    assertTold(json, { status: 'text', services: 'list' });
    assert.equal(json.status, 'running');
    const services = json.services as unknown as { instances: object[] }[];
    assert.ok(services.length > 0);
    for (const service of services) {
      assertTold(service, { display_name: 'text', instances: 'list' });
      for (const instance of service.instances) {
        assertTold(instance, {
          LoadState: 'text',
          Description: 'text',
          state: 'text',
          MainPID: 'whole',
          Id: 'text',
          ActiveState: 'text',
          SubState: 'text',
        });
      }
    }
  });

  covers('Manager: version', 'tells the version alone, or all that is known of it', async () => {
    const chosen = await curl('GET /version?_include=version');
    assert.deepEqual(Object.keys(chosen.json), ['version']);
    assert.match(String(chosen.json.version), /^\d+\.\d+\.\d+$/);
    const { json } = await curl('GET /version');
    assertTold(json, { date: 'text?', commit: 'text?', version: 'text', build: 'text?', edition: 'text' });
    assert.equal(json.edition, 'community');
  });
});
