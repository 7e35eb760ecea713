import { CONTENT_ROWS } from './content-rows.js';
import { IDENTITY_ROWS } from './identity-rows.js';
import { MEMBERSHIP_ROWS } from './membership-rows.js';
import type { Row } from './row.js';
import { WORKSPACE_ROWS } from './workspace-rows.js';

export const ROWS: readonly Row[] = [
  ...IDENTITY_ROWS,
  ...MEMBERSHIP_ROWS,
  ...WORKSPACE_ROWS,
  ...CONTENT_ROWS,
];
