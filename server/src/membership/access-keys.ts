/**
 * Keys: names of single rights, as people who use designs and workspaces know them. Those of the catalogue have fixed ids
 * (access-keys.txt; the published client's list of them, 437 names of which some share an id), so that a client recognises them.
 *
 * What the server itself asks for a key is in `KEYS`. The others tell clients what to offer; whether something may be done
 * the tenant roles decide (identity/roles.ts), whatever keys say.
 */
import { readFileSync } from 'node:fs';

export interface AccessKey {
  readonly id: string;
  readonly category: string;
  readonly subcategory: string;
  readonly function: string;
  readonly description: string;
}

/** Keys that services ask for. */
export const KEYS = {
  viewPrivateDesigns: 'bedb8e5b-56bf-4caf-9e8b-258d30b9229b',
  approveCatalogueRequest: '66fbc8c0-b08a-494b-8c60-68ee1b607176',
  denyCatalogueRequest: 'b9137717-a20a-44e8-a2f9-94dc3d1a6dcb',
} as const;

/** Every key of the catalogue, each id once. */
export const CATALOGUE_KEYS: readonly AccessKey[] = read();

function read(): readonly AccessKey[] {
  const keys = new Map<string, AccessKey>();
  let category = '';
  for (const line of readFileSync(new URL('./access-keys.txt', import.meta.url), 'utf8').split('\n')) {
    if (line.startsWith('# ')) category = line.slice(2);
    const match = /^([0-9a-f-]{36}) (.+)$/.exec(line);
    if (match === null || keys.has(match[1]!)) continue;
    const [, id, name] = match as unknown as [string, string, string];
    keys.set(id, { id, category, subcategory: '', function: name, description: '' });
  }
  return [...keys.values()];
}
