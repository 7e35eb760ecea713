/** What the API browser understands of answers and addresses, without a browser. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { covered, filled, selfOf, shapeOf, within } from './hal.js';
import { Operations } from './operations.js';
import { asking, condition, hrefOf, questionOf } from './query.js';

const told = (body: Parameters<typeof shapeOf>[0]) => {
  const { links, actions } = shapeOf(body);
  const words = ({ rel, href }: { rel: string; href: string }) => `${rel} ${href}`;
  return { links: links.map(words), actions: actions.map(words) };
};

describe('links', () => {
  test('are found in every form that answers have', () => {
    const body = {
      _links: {
        self: { href: '/api/v2/orders/104', title: 'Order' },
        group: { href: '/api/v2/groups/2', title: 'Foo' },
        parent: {},
        jobs: [
          { href: '/api/v2/jobs/1', title: 'One' },
          { href: '/api/v2/jobs/2', title: 'Two' },
        ],
        none: [],
        plain: '/api/v2/plain/',
        actions: [
          { submit: { href: '/api/v2/orders/104/actions/submit', title: 'Submit' } },
          { cancel: { href: '/api/v2/orders/104/actions/cancel' } },
        ],
      },
      name: '',
    };
    assert.deepEqual(told(body), {
      links: [
        'self /api/v2/orders/104',
        'group /api/v2/groups/2',
        'jobs /api/v2/jobs/1',
        'jobs /api/v2/jobs/2',
        'plain /api/v2/plain/',
      ],
      actions: ['submit /api/v2/orders/104/actions/submit', 'cancel /api/v2/orders/104/actions/cancel'],
    });
    assert.deepEqual(shapeOf(body).properties, [['name', '']]);
  });

  test('are told once where an answer has them under two names', () => {
    const self = { self: { href: '/api/v2/groups/2', title: 'Foo' } };
    assert.deepEqual(told({ _links: self, links: self, link: self }).links, ['self /api/v2/groups/2']);
    assert.equal(selfOf({ link: self })?.href, '/api/v2/groups/2');
  });

  test('of actions may stand by name too', () => {
    assert.deepEqual(
      told({ _links: { actions: { power_on: { href: '/x' }, many: [{ href: '/y' }] } } }).actions,
      ['power_on /x', 'many /y'],
    );
  });

  test('of a root are names and paths', () => {
    assert.deepEqual(told({ jobs: '/api/v2/jobs/', users: '/api/v2/users/' }).links, [
      'jobs /api/v2/jobs/',
      'users /api/v2/users/',
    ]);
    assert.deepEqual(told({ jobs: '/api/v2/jobs/', name: 'x' }).links, []);
  });

  test('may have something to fill in', () => {
    const [link] = shapeOf({ _links: { find: { href: '/api/v2/x/{id}{?page,q}' } } }).links;
    assert.deepEqual(link?.variables, ['id', 'page', 'q']);
    assert.equal(filled(link!.href, { id: 'a/b', q: 'x y' }), '/api/v2/x/a%2Fb?q=x%20y');
    assert.equal(filled(link!.href, {}), '/api/v2/x/');
  });

  test('odd answers have none, and break nothing', () => {
    for (const odd of [
      null,
      3,
      'text',
      [],
      {},
      { _links: 7 },
      { _links: { a: 5, b: null } },
      { _embedded: 'x' },
    ]) {
      assert.deepEqual(told(odd), { links: [], actions: [] });
    }
  });
});

test('lists and maps of embedded things are both read, with the page they are on', () => {
  const items = [{ name: 'a' }];
  const list = shapeOf({
    _links: {
      self: { href: '/x?page=2', title: 'List of Groups - Page 2 of 4' },
      next: { href: '/x?page=3' },
      previous: { href: '/x?page=1' },
    },
    total: 11,
    count: 3,
    _embedded: items,
  });
  assert.deepEqual(list.embedded, [{ rel: 'items', items }]);
  assert.deepEqual(list.pages, {
    number: 2,
    of: 4,
    total: 11,
    count: 3,
    next: '/x?page=3',
    previous: '/x?page=1',
  });
  assert.deepEqual(
    list.links.map(({ rel }) => rel),
    ['self'],
  );
  assert.deepEqual(shapeOf({ _embedded: { parts: items, one: { a: 1 } } }).embedded, [
    { rel: 'parts', items },
    { rel: 'one', items: [{ a: 1 }] },
  ]);
});

test('only paths below the root are followed, since credentials go with them', () => {
  for (const fine of ['/api/v2/', '/api/v2', '/api/v2/orders/1?filter=a:b'])
    assert.equal(within('/api/v2/', fine), fine);
  for (const odd of [
    'https://example.com/api/v2/',
    '//example.com/api/v2/',
    '/\\example.com',
    'javascript:alert(1)',
    '/api/v20/',
    '/api/v2/../v3.1/tokens',
    '/api/v2/%2e%2E/x',
    '/login',
    '',
    '/api/v2/\u0000',
  ]) {
    assert.equal(within('/api/v2/', odd), null, odd);
  }
  assert.equal(within('/api/v2/', '/api/v2/x#y'), '/api/v2/x');
});

test('what is called like a secret is covered, wherever it is', () => {
  assert.deepEqual(
    covered({
      name: 'x',
      password: 'hush',
      deep: [{ 'api-token': 'hush', token_url: '/api/v2/x' }],
      secret: '',
    }),
    {
      name: 'x',
      password: '••••••••',
      deep: [{ 'api-token': '••••••••', token_url: '/api/v2/x' }],
      secret: '',
    },
  );
});

test('a question of a list becomes an address and back', () => {
  const question = questionOf(
    '/api/v2/jobs/?filter=status:SUCCESS;owner.user.username:a%20b&attributes=owner&page=3&page_size=5',
  );
  assert.deepEqual(question.filter, ['status:SUCCESS', 'owner.user.username:a b']);
  assert.equal(question.attributes, 'owner');
  const next = hrefOf(asking(question, { filter: [condition('type', 'icontains', 'prov;ision')] }));
  assert.equal(next, '/api/v2/jobs/?filter=type.icontains:provision&attributes=owner&page_size=5');
  assert.equal(hrefOf(questionOf('/api/v2/jobs/')), '/api/v2/jobs/');
});

test('the description tells what a path can, words before variables', () => {
  const operations = new Operations({
    paths: {
      '/api/v2/orders/{id}': { get: { operationId: 'a' }, delete: { operationId: 'b' } },
      '/api/v2/orders/{id}/actions/{name}': { post: { operationId: 'c' } },
      '/api/v2/orders/{id}/actions/submit': { post: { operationId: 'd' } },
    },
  });
  assert.equal(operations.find('DELETE', '/api/v2/orders/1/')?.id, 'b');
  assert.equal(operations.find('POST', '/api/v2/orders/1/actions/submit')?.id, 'd');
  assert.equal(operations.find('POST', '/api/v2//orders/1/actions/cancel')?.id, 'c');
  assert.deepEqual(operations.at('/api/v2/elsewhere'), []);
});
