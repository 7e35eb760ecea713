/** How a server stands, and what it may become. Pure. */

export const SERVER_STATES = [
  'building',
  'active',
  'changing',
  'ending',
  'build-failed',
  'historical',
] as const;
export type ServerState = (typeof SERVER_STATES)[number];

/** From each state to those that may follow it. Historical is for good: the row stays to be read. */
const MOVES: Readonly<Record<ServerState, readonly ServerState[]>> = {
  building: ['active', 'build-failed', 'ending', 'historical'],
  active: ['changing', 'ending', 'historical', 'building'],
  changing: ['active', 'ending', 'historical'],
  ending: ['historical', 'active', 'build-failed'],
  'build-failed': ['building', 'active', 'ending', 'historical'],
  historical: [],
};

export function mayBecome(from: ServerState, to: ServerState): boolean {
  return from === to || MOVES[from].includes(to);
}

export function isOver(state: ServerState): boolean {
  return state === 'historical';
}
