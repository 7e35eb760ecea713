// What the suite itself does over HTTP: to know what a client should have found, and to make what it looks for.
import assert from 'node:assert/strict';

export function at(url, password) {
  const authorization = `Basic ${Buffer.from(`admin:${password}`).toString('base64')}`;
  const send = async (method, path, body) => {
    const answer = await fetch(url + path, {
      method,
      headers: { authorization, 'content-type': 'application/json' },
      redirect: 'error',
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const told = await answer.json();
    assert.ok(answer.ok, `${method} ${path}: ${answer.status} ${JSON.stringify(told)}`);
    return told;
  };
  const get = (path) => send('GET', path);
  const post = (path, body = {}) => send('POST', path, body);
  const named = async (collection, name) => {
    const { _embedded } = await get(`/api/v2/${collection}/?filter=name:${encodeURIComponent(name)}`);
    assert.equal(_embedded.length, 1, `one ${name} among ${collection}`);
    return _embedded[0];
  };
  return {
    get,
    post,
    named,
    /** How many there are. */
    count: async (collection) => (await get(`/api/v2/${collection}/?page_size=1`)).total,
    /** Orders servers, and waits until they are there. @returns the servers */
    async servers(quantity, hostname) {
      const environment = (await named('environments', 'Local'))._links.self.href;
      const order = await post('/api/v2/orders/', {
        group: (await named('groups', 'Default'))._links.self.href,
        'submit-now': 'true',
        items: { 'prov-items': [{ environment, attributes: { quantity, hostname } }] },
      });
      const done = await ended(get, order);
      return Promise.all(done._links.servers.map(({ href }) => get(href)));
    },
    /** Waits until the server has the snapshot. */
    async snapshot(server, name) {
      for (;;) {
        const { snapshots } = await get(server);
        if (snapshots.some((one) => one.name === name)) return;
        const { _embedded: jobs } = await get(`${server}related-jobs/`);
        assert.ok(!jobs.some(({ status }) => status === 'FAILURE'), JSON.stringify(jobs));
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
    },
    /** Waits for the job of a started action. */
    async acted(path, body) {
      const { 'run-action-job': job } = await post(path, body);
      for (;;) {
        const now = await get(`${job.self.href.replace(/\/$/, '')}/?wait=20`);
        if (['SUCCESS', 'WARNING', 'FAILURE', 'CANCELED'].includes(now.status)) {
          assert.equal(now.status, 'SUCCESS', JSON.stringify(now));
          return now;
        }
      }
    },
  };
}

async function ended(get, order) {
  for (let now = order; ; ) {
    if (now.status === 'SUCCESS') return now;
    assert.ok(
      ['ACTIVE'].includes(now.status),
      `order ${now.id} is ${now.status}: ${JSON.stringify(now.failures)}`,
    );
    now = await get(`${now._links.self.href.replace(/\/$/, '')}/?wait=20`);
  }
}
