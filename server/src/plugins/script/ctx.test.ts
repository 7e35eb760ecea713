/** The `ctx` command, used by real scripts. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import type { Json } from '../../dsl/plan.js';
import { type RecordedRequestOptions, recordedRequest } from '../recorded-request.js';
import { createScriptPlugin, type ScriptPlugin } from './script.js';

let workDir: string;
let plugin: ScriptPlugin;

before(async () => {
  workDir = await mkdtemp(join(tmpdir(), 'orrery-ctx-'));
  plugin = createScriptPlugin({ workDir });
});

after(async () => {
  await plugin.close();
  await rm(workDir, { recursive: true });
});

async function run(text: string, options: RecordedRequestOptions = {}) {
  const request = recordedRequest('script_runner.tasks.run', {
    ...options,
    inputs: { script_path: 'run.sh', ...options.inputs },
    resources: { 'run.sh': `#!/bin/bash\n${text}`, ...options.resources },
  });
  const outcome = await plugin.run(request);
  const lines = request.logs.map(({ message }) => message).filter((line) => /^<(out|err)>/.test(line));
  return { request, outcome, lines };
}

const PROPERTIES = {
  port: 8080,
  text: 'it is',
  'with-dash': 'd',
  list: ['a', { b: 1 }, null, true],
  nested: { deep: { value: "o'neil" } },
  nothing: null,
  odd: ['ü', '\u0007', 1.5e-7],
  zero: 0,
  no: false,
};

describe('reading', () => {
  const cases: [string, string][] = [
    ['node name', 'web'],
    ['node id', 'web'],
    ['node type', 'cloudify.nodes.Root'],
    ['node type-hierarchy', "['cloudify.nodes.Root']"],
    ['node properties port', '8080'],
    ['node properties with-dash', 'd'],
    ['node properties nested.deep.value', "o'neil"],
    ['node properties list[1].b', '1'],
    ['node properties list', "['a', {'b': 1}, None, True]"],
    ['node properties nested', `{'deep': {'value': "o'neil"}}`],
    ['node properties zero', ''],
    ['node properties no', ''],
    ['node properties nothing', ''],
    ['-j node properties zero', '0'],
    ['-j node properties text', '"it is"'],
    ['node properties text -j', '"it is"'],
    ['-j node properties list', '["a", {"b": 1}, null, true]'],
    ['node properties odd', "['ü', '\\x07', 1.5e-07]"],
    ['-j node properties odd', '["\\u00fc", "\\u0007", 1.5e-07]'],
    ['node properties get missing other', 'other'],
    ['instance id', 'web_a'],
    ['instance index', '1'],
    ['instance host-ip', '10.0.0.7'],
    ['deployment id', 'site'],
    ['deployment name', 'Site'],
    ['blueprint id', 'site-blueprint'],
    ['execution-id', 'execution-1'],
    ['workflow_id', 'install'],
    ['tenant-name', 'default_tenant'],
    ['operation name', 'cloudify.interfaces.lifecycle.create'],
    ['operation max-retries', '3'],
    ['operation retry-number', ''],
    ['type', 'node-instance'],
    ['get-resource hello.txt', 'Hello {{ who }}'],
    ['get-resource-and-render hello.txt \'@{"who": "you"}\'', 'Hello you'],
  ];
  it('says what Cloudify says, as text and as JSON', async () => {
    const text = cases.map(([words]) => `printf '[%s]\\n' "$(ctx ${words})"`).join('\n');
    const { lines } = await run(text, {
      properties: PROPERTIES,
      resources: { 'hello.txt': 'Hello {{ who }}' },
    });
    for (const [index, [words, expected]] of cases.entries()) {
      assert.equal(lines[index], `<out> [${expected}]`, words);
    }
  });

  const wrong: [string, RegExp][] = [
    ['node properties missing', /RuntimeError: illegal path: missing/],
    ['node properties port 9', /NonRecoverableError: Cannot override read only properties/],
    ['node properties a b c', /Illegal argument while accessing dict/],
    ['node nonsense', /nonsense cannot be processed in \["node","nonsense"\]/],
    ['instance', /TypeError: Object of type instance is not JSON serializable/],
    ['source node name', /NonRecoverableError: ctx.source\/ctx.target can only be used/],
    ['get-resource no.txt', /HttpException: File "no.txt" was not found/],
    ["node properties '@{'", /starts with @, but is not JSON/],
    ['__proto__', /cannot be processed/],
    ['constructor', /cannot be processed/],
  ];
  it('says what is wrong, and its exit code lets a script stop', async () => {
    const { lines } = await run(wrong.map(([words]) => `ctx ${words} || echo "code $?"`).join('\n'));
    const errors = lines.filter((line) => line.startsWith('<err>'));
    for (const [index, [words, pattern]] of wrong.entries())
      assert.match(errors[index] ?? '', pattern, words);
    assert.equal(lines.filter((line) => line === '<out> code 1').length, wrong.length);
  });
});

describe('runtime properties', () => {
  it('are written at dotted paths, as text or JSON, and saved with the outcome', async () => {
    const { outcome, request, lines } = await run(
      `set -e
       ctx instance runtime-properties url http://localhost:1
       ctx instance runtime-properties net.ports '@[80, 443]'
       ctx instance runtime-properties net.host.name box
       ctx instance runtime-properties list[0].a new
       ctx instance runtime-properties pop old
       ctx instance runtime-properties net.host.name`,
      { runtimeProperties: { old: 1, kept: 2, list: [{ a: 'was' }] } },
    );
    assert.deepEqual(outcome, {
      kind: 'done',
      result: null,
      runtimeProperties: {
        web_a: {
          kept: 2,
          list: [{ a: 'new' }],
          url: 'http://localhost:1',
          net: { ports: [80, 443], host: { name: 'box' } },
        },
      },
    });
    assert.deepEqual(request.saved, []);
    assert.deepEqual(lines, ['<out> 1box']);
    assert.deepEqual(request.context.self!.instance.runtimeProperties, {
      old: 1,
      kept: 2,
      list: [{ a: 'was' }],
    });
  });

  it('are saved at once by update, and not again', async () => {
    const { outcome, request } = await run('ctx instance runtime-properties a 1; ctx instance update');
    assert.deepEqual(request.saved, [{ web_a: { a: '1' } }]);
    assert.deepEqual(outcome, { kind: 'done', result: null });
  });

  it('that somebody else wrote are a conflict the script sees', async () => {
    const { lines } = await run('ctx instance runtime-properties a 1; ctx instance update', {
      conflict: true,
    });
    assert.match(lines.join('\n'), /ConflictError: the instance was changed by somebody else/);
  });

  it('are read again by refresh, which keeps no unsaved change unless told', async () => {
    const text = `ctx instance runtime-properties a 1
      ctx instance refresh || ctx instance refresh true
      ctx -j instance runtime-properties`;
    const { lines } = await run(text, { runtimeProperties: { there: 1 } });
    assert.match(lines[0]!, /unsaved changes/);
    assert.equal(lines.at(-1), '<out> {"there": 1}');
  });

  it('of both sides can be written in a relationship operation', async () => {
    const { outcome, lines } = await run(
      `ctx source instance runtime-properties peer "$(ctx target instance id)"
       ctx target instance runtime-properties clients '@["web_a"]'
       ctx target node name; echo
       ctx operation relationship; echo
       ctx node name`,
      { relationship: 'source' },
    );
    assert.deepEqual(outcome.runtimeProperties, {
      web_a: { peer: 'db_b' },
      db_b: { port: 5432, clients: ['web_a'] },
    });
    assert.deepEqual(lines.slice(0, 2), ['<out> db', '<out> source']);
    assert.match(lines[2]!, /can only be used in a node-instance context/);
  });
});

it('refuses what could not be stored, and tells the script', async () => {
  const { outcome, lines } = await run(
    `ctx instance runtime-properties a '@"x\\u0000"'
     ctx instance runtime-properties b '@{"\\ud800": 1}'
     ctx returns '@["\\u0000"]'
     ctx instance runtime-properties c '\\u0000'
     ctx logger info '@"\\ud83d"'`,
  );
  assert.equal(lines.filter((line) => /^<err> ctx: ValueError: text with a NUL/.test(line)).length, 3);
  assert.deepEqual(outcome, { kind: 'done', result: null, runtimeProperties: { web_a: { c: '\\u0000' } } });
});

it('returns a result: text, or JSON after @', async () => {
  const results: Json[] = [];
  for (const value of ['plain', '@{"a": [1, null]}', '@7', '@false']) {
    const { outcome } = await run(`ctx returns '${value}'`);
    results.push(outcome.kind === 'done' ? outcome.result : 'failed');
  }
  assert.deepEqual(results, ['plain', { a: [1, null] }, 7, false]);
});

it('logs at a level and sends events', async () => {
  const { request } = await run(
    'ctx logger warning "disk at %s" 91; ctx logger debug x; ctx send-event hello',
  );
  assert.ok(request.logs.some(({ level, message }) => level === 'warning' && message === 'disk at 91'));
  assert.ok(request.logs.some(({ level }) => level === 'debug'));
  assert.deepEqual(request.events, ['hello']);
});

describe('resources', () => {
  const resources = {
    'conf/site.conf': 'port={{ port }};host={{ ctx.node.name }};{{ missing }}',
    'a.bin': 'abc',
  };

  it('are downloaded beside the script, or where it wants them', async () => {
    const { lines } = await run(
      `cat "$(ctx download-resource a.bin)"; echo
       ctx download-resource a.bin sub/copy.bin >/dev/null; cat sub/copy.bin; echo
       basename "$(ctx download-resource conf/site.conf)"`,
      { resources },
    );
    assert.deepEqual(lines, ['<out> abc', '<out> abc', '<out> site.conf']);
  });

  it('are rendered with variables and ctx', async () => {
    const { lines } = await run(
      `cat "$(ctx download-resource-and-render conf/site.conf '@{"port": 80}')"; echo
       ctx download-resource-and-render conf/site.conf out.conf '@{"port": 81}' >/dev/null; cat out.conf; echo`,
      { resources },
    );
    assert.deepEqual(lines, ['<out> port=80;host=web;', '<out> port=81;host=web;']);
  });

  it('with statements in them are refused rather than half rendered', async () => {
    const { lines } = await run('ctx get-resource-and-render t', {
      resources: { t: '{% if a %}x{% endif %}' },
    });
    assert.match(lines.join(), /TemplateSyntaxError: templates do not support \{% if a %\}/);
  });
});

it('finds a capability among what the instance is related to', async () => {
  const asked: Json[] = [];
  const { lines } = await run('ctx capabilities port; echo; ctx capabilities other', {
    async evaluate(expression) {
      asked.push(expression);
      return JSON.stringify(expression).includes('"port"') ? 5432 : null;
    },
  });
  assert.equal(lines[0], '<out> 5432');
  assert.match(lines[1]!, /Requested capability 'other' is not available/);
  assert.deepEqual(asked[0], { get_attribute: ['db', 'port'] });
});

describe('the command itself', () => {
  const words = [
    'node properties nested',
    'instance index',
    'node properties text',
    "node properties get x 'ü and  spaces'",
    'node properties missing',
    'node properties -j',
    '-j node properties odd',
    '-- node properties text',
    "get-resource 'big file'",
    '',
  ];
  const resources = { 'big file': 'ä'.repeat(20_000) };
  const text = `for i in ${words.map((_, index) => index).join(' ')}; do
      case $i in ${words.map((one, index) => `${index}) ctx ${one} ;;`).join(' ')} esac >out 2>err
      echo "$? $(cksum <out) $(cksum <err)"
    done`;
  const withoutBash =
    'mkdir bin; for f in cksum cat; do ln -s "$(command -v $f)" bin/; done; PATH=$PATH_OF_CTX:$PWD/bin\n';

  it('says the same where there is no bash to be quick with', async () => {
    const quick = await run(text, { properties: PROPERTIES, resources });
    const slow = await run(`PATH_OF_CTX=\${PATH%%:*}\n${withoutBash}${text}`, {
      properties: PROPERTIES,
      resources,
    });
    assert.equal(quick.lines.length, words.length);
    assert.deepEqual(slow.lines, quick.lines);
  });

  it('takes the way to the worker, a patience and a mark for JSON as options', async () => {
    const { lines } = await run(
      `ctx -t 5 node name; echo
       ctx --socket-url="$CTX_SOCKET_URL" --timeout 5 node name; echo
       ctx --json-arg-prefix=json: returns 'json:[1]'
       ctx --help | head -1
       CTX_SOCKET_URL=http://127.0.0.1:1/x ctx node name
       CTX_SOCKET_URL= ctx node name
       echo $?`,
    );
    assert.deepEqual(lines.slice(0, 3), [
      '<out> web',
      '<out> web',
      '<out> Usage: ctx [-j] [-t SECONDS] [--socket-url URL] [--json-arg-prefix PREFIX] WORD…',
    ]);
    assert.ok(lines.some((line) => /^<err> ctx: the worker cannot be reached: .*ECONNREFUSED/.test(line)));
    assert.ok(lines.some((line) => /^<err> ctx: CTX_SOCKET_URL is not set/.test(line)));
    assert.equal(lines.at(-1), '<out> 1');
  });
});

it('is not there for a script that wants none', async () => {
  const { lines } = await run('echo "[$CTX_SOCKET_URL]"', {
    inputs: { process: { ctx_proxy_type: 'none' } },
  });
  assert.deepEqual(lines, ['<out> []']);
});

describe('the address scripts talk to', () => {
  it('is closed to who does not know the secret, and to the script when it has ended', async () => {
    const { lines } = await run('echo "$CTX_SOCKET_URL"');
    const url = lines[0]!.replace('<out> ', '');
    const ask = (to: string) => fetch(to, { method: 'POST', body: '{"args": ["node", "name"]}' });
    assert.equal((await ask(url)).status, 404);
    assert.equal((await ask(new URL('/', url).href)).status, 404);
  });

  it('answers what is not a request with an error, not with a crash', async () => {
    const { lines } = await run(
      `for body in '' '[]' 'null' '{"args": 3}' '{"args": [{}, null, [1]]}'; do
         node -e 'fetch(process.env.CTX_SOCKET_URL, {method: "POST", body: process.argv[1]})
           .then((r) => r.json()).then((j) => console.log(j.type, j.payload.message))' "$body"
       done`,
    );
    assert.equal(lines.length, 5);
    for (const line of lines) assert.match(line, /^<out> error /);
  });
});
