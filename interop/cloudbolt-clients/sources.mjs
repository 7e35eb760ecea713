/**
 * Where the clients come from: from a folder that somebody names, with one clone each, or from their public repositories. Always at one commit, in
 * a clone of our own that nobody else writes to, so that what runs is what was published. None of it is kept in this repository.
 */
import { execFile } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

const execute = promisify(execFile);

/** Milliseconds that a repository has to answer. */
const PATIENCE = 20_000;

export const CLIENTS = {
  go: {
    name: 'cloudbolt-go-sdk',
    version: '0.3.0',
    repository: 'https://github.com/CloudBoltSoftware/cloudbolt-go-sdk.git',
    commit: '979535a828cd78e001b732f6b159f789d458ff45',
  },
  ruby: {
    name: 'cloudbolt-gem',
    version: '0.0.5',
    repository: 'https://github.com/CloudBoltSoftware/cloudbolt-gem.git',
    commit: 'c405149ce963c56176c0f48772c0dfcb55fc3287',
  },
  shell: {
    name: 'cloudbolt-api-tools',
    version: 'of 2020',
    repository: 'https://github.com/gmoraa/cloudbolt-api-tools.git',
    commit: '4e8f8d9e4fcd780df2ff3940621d4817de4b1453',
  },
  // They come with the product, and lie in no repository of their own: only a folder can bring them, `api_client.py` and `samples/` in it.
  python: { name: 'python_client', version: "the product's samples", repository: null, commit: null },
};

/**
 * The client's own files, in a folder.
 *
 * @param folder what ORRERY_CLOUDBOLT_CLIENTS names, or undefined
 * @param cache where clones are kept from one run to the next
 * @returns `{ folder }`, or `{ why }` when it is not to be had
 */
export async function clientIn({ name, repository, commit }, folder, cache) {
  const given = folder === undefined ? null : join(folder, name);
  if (given !== null && !existsSync(given)) return { why: `${folder} has no ${name}` };
  const place = join(cache, `${name}-${commit?.slice(0, 12) ?? 'given'}`);
  if (commit === null) {
    if (given === null) return { why: 'it is in no public repository; ORRERY_CLOUDBOLT_CLIENTS can name it' };
    rmSync(place, { recursive: true, force: true });
    cpSync(given, place, { recursive: true });
    return { folder: place };
  }
  if (existsSync(place)) return { folder: place };
  const fresh = `${place}.${process.pid}`;
  mkdirSync(cache, { recursive: true });
  const env = { ...process.env, GIT_TERMINAL_PROMPT: '0', GIT_LFS_SKIP_SMUDGE: '1' };
  const git = (...args) =>
    execute('git', ['-c', 'core.hooksPath=/dev/null', ...args], { env, timeout: PATIENCE });
  try {
    await git('clone', '--quiet', '--no-checkout', given ?? repository, fresh);
    await git('-C', fresh, 'checkout', '--quiet', '--detach', commit);
    renameSync(fresh, place);
    return { folder: place };
  } catch (error) {
    rmSync(fresh, { recursive: true, force: true });
    const said = String(error.stderr ?? '')
      .trim()
      .split('\n')
      .at(-1);
    return { why: said || (error.killed ? `no answer within ${PATIENCE / 1000} seconds` : error.message) };
  }
}
