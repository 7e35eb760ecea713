/** The dialects this server speaks. A new one: a folder, and a line here. */
import type { Dialect } from './dialect.js';

export const DIALECTS: readonly Dialect[] = [];
