/** A workflow's graph as a test compares it: printed, on lines of its own. */
import type { TaskGraph } from '../graph.js';
import { printGraph } from '../print.js';
import type { Problem } from '../workflows/workflow.js';

export function printed(built: TaskGraph | Problem): string {
  return 'problem' in built ? built.problem : `\n${printGraph(built)}\n`;
}
