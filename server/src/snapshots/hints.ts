/** Hints between processes about restoring. */

/** Begun, or given up: ask the store how it stands. */
export const RESTORING = 'restoring';
/** Everything is another's now: what was remembered is not true any more. */
export const RESTORED = 'restored';
