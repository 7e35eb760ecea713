/** What a cloud account can be at. Pure. */

export const CLOUD_ACCOUNT_STATES = [
  /** Its first harvest has not ended. */
  'pending',
  /** In use. */
  'ready',
  /** Somebody has stopped its harvests. */
  'paused',
  /** The provider refuses its credentials. */
  'credentials-invalid',
  /** The provider takes the credentials and refuses the role. */
  'role-refused',
  /** On its way out. */
  'removing',
] as const;

export type CloudAccountState = (typeof CLOUD_ACCOUNT_STATES)[number];

/** What a harvest leaves behind that ended: a paused account stays paused. */
export function afterHarvest(
  before: CloudAccountState,
  outcome: 'complete' | 'credentials-invalid' | 'role-refused',
): CloudAccountState {
  if (before === 'paused' || before === 'removing') return before;
  return outcome === 'complete' ? 'ready' : outcome;
}
