/** The dialects this server speaks. A new one: a folder, and a line here. */
import { cloudifyV3 } from './cloudify-v3/index.js';
import type { Dialect } from './dialect.js';

export const DIALECTS: readonly Dialect[] = [cloudifyV3];
