import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { describeSettings, loadSettings, SETTINGS, SettingError } from './config.js';

const folder = mkdtempSync(join(tmpdir(), 'orrery-config-'));
after(() => rmSync(folder, { recursive: true }));

function load(env: Record<string, string>) {
  return loadSettings({ ORRERY_DATA_DIR: folder, ...env });
}

test('without anything said, every setting is its default', () => {
  const { settings } = loadSettings({});
  for (const [key, setting] of Object.entries(SETTINGS)) {
    assert.deepEqual(settings[key as keyof typeof settings], setting.default, key);
  }
});

test('an empty variable says nothing', () => {
  assert.equal(load({ ORRERY_PORT: '' }).settings.port, 8080);
});

describe('values that are understood', () => {
  const cases: [string, string, keyof typeof SETTINGS, unknown][] = [
    ['ORRERY_PORT', '0', 'port', 0],
    ['ORRERY_DEMO', '0', 'demo', false],
    ['ORRERY_DEMO', 'yes', 'demo', true],
    ['ORRERY_LOGIN_THROTTLE', 'off', 'loginThrottle', false],
    ['ORRERY_LOGIN_THROTTLE', 'ON', 'loginThrottle', true],
    ['ORRERY_LOGIN_LOCK_MINUTES', '0', 'loginLockMinutes', 0],
    ['ORRERY_ROLE', 'worker', 'role', 'worker'],
    ['ORRERY_TASK_RETRIES', '-1', 'taskRetries', -1],
    [
      'CLOUD_ENDPOINT_ALLOWLIST',
      '127.0.0.1:*, [::1]:80 ,box.lan:443',
      'endpointAllowlist',
      ['127.0.0.1:*', '[::1]:80', 'box.lan:443'],
    ],
  ];
  for (const [name, given, key, expected] of cases) {
    test(`${name}=${given}`, () => assert.deepEqual(load({ [name]: given }).settings[key], expected));
  }
});

describe('values that are refused, naming the setting and what would be right', () => {
  const cases: [string, string, RegExp][] = [
    ['ORRERY_PORT', '70000', /^ORRERY_PORT cannot be "70000": it should be a whole number from 0 to 65535$/],
    ['ORRERY_PORT', '0x10', /ORRERY_PORT/],
    ['ORRERY_ROLE', 'boss', /one of all, api, worker/],
    ['ORRERY_DEMO', 'perhaps', /on \(1, true, yes\)/],
    ['CLOUD_ENDPOINT_ALLOWLIST', 'localhost', /host:port/],
    [
      'DATABASE_URL',
      'mysql://me:hush@here/x',
      /^DATABASE_URL cannot be what it is: it should be postgresql:/,
    ],
  ];
  for (const [name, given, expected] of cases) {
    test(`${name}=${given}`, () => {
      assert.throws(
        () => load({ [name]: given }),
        (error: Error) => {
          assert.ok(error instanceof SettingError);
          assert.match(error.message, expected);
          return true;
        },
      );
    });
  }
});

describe('the file', () => {
  const path = join(folder, 'orrery.yaml');
  const withFile = (content: string, env: Record<string, string> = {}) => {
    writeFileSync(path, content);
    try {
      return load(env);
    } finally {
      rmSync(path);
    }
  };

  test('sets what the environment leaves open', () => {
    const { settings, sources } = withFile('port: 9000\ndemo: off\nendpointAllowlist: ["a:1", "b:2"]', {
      ORRERY_DEMO: '1',
    });
    assert.equal(settings.port, 9000);
    assert.equal(sources.port, path);
    assert.equal(settings.demo, true);
    assert.deepEqual(settings.endpointAllowlist, ['a:1', 'b:2']);
  });

  test('with an unknown name is refused with a hint', () => {
    assert.throws(() => withFile('Port: 1'), /Port in .* is no setting: did you mean port\?/);
    assert.throws(() => withFile('ORRERY_PORT: 1'), /did you mean port\?/);
  });

  test('that is no list of settings is refused', () => {
    assert.throws(() => withFile('- 1'), SettingError);
    assert.throws(() => withFile('port: [1'), /cannot be read/);
  });

  test('in the data folder cannot move the data folder', () => {
    assert.throws(() => withFile('dataDir: /elsewhere'), /use ORRERY_DATA_DIR/);
  });

  test('that ORRERY_CONFIG names must be there', () => {
    assert.throws(() => load({ ORRERY_CONFIG: join(folder, 'absent.yaml') }), SettingError);
  });
});

test('a description shows sources and no secret', () => {
  const text = describeSettings(
    load({
      ORRERY_ADMIN_PASSWORD: 'hush-hush',
      DATABASE_URL: 'postgres://u:hush-hush@h/d',
      ORRERY_PORT: '1',
    }),
  );
  assert.doesNotMatch(text, /hush-hush/);
  assert.match(text, /ORRERY_PORT +port +1 +environment/);
  assert.match(text, /ORRERY_ADMIN_PASSWORD +adminPassword +\*{8}/);
});

test('a variable that means nothing is noticed', () => {
  assert.deepEqual(load({ ORRERY_PROT: '1', ORRERY_URL: 'http://x' }).unknownVariables, ['ORRERY_PROT']);
});

test('docs/configuration.md lists every setting with its default', () => {
  const page = readFileSync(
    fileURLToPath(new URL('../../../docs/configuration.md', import.meta.url)),
    'utf8',
  );
  for (const [key, setting] of Object.entries(SETTINGS)) {
    const row = page.split('\n').find((line) => line.startsWith(`| \`${setting.env}\` | \`${key}\` |`));
    assert.ok(row, `docs/configuration.md has no row for ${setting.env}`);
    assert.ok(row.includes(setting.reason), `the row of ${setting.env} should say: ${setting.reason}`);
    if (key !== 'dataDir') assert.ok(row.includes(`| ${shown(setting.default)} |`), `default in: ${row}`);
  }
});

function shown(value: unknown): string {
  if (value === '' || (Array.isArray(value) && value.length === 0)) return '';
  if (typeof value === 'boolean') return value ? '`on`' : '`off`';
  return `\`${value}\``;
}
