/**
 * `uninstall` with `recursive`: first what is inside the deployment, then the deployment itself.
 *
 *     inside: an execution on each deployment inside, waited for ──► uninstall
 *                   └─ some failed ──► failed, unless failures are ignored
 *
 * What is inside goes first because it stands on what it is inside of. Cloudify goes on whatever became of the executions
 * inside; here a failure there stops the outer uninstall, which would pull away the ground from under what is left.
 */
import { GraphBuilder } from '../build.js';
import type { ChildEnd, NextStep } from '../staged.js';
import { addUninstall } from './uninstall.js';
import { flag, type Problem, select } from './workflow.js';

/** More names make nobody wiser. */
const NAMED = 5;

export const uninstallRecursively: NextStep = ({ model, parameters, past, children }) => {
  const selection = select(model, parameters);
  if ('problem' in selection) return selection;
  const ignoreFailure = flag(parameters, 'ignore_failure');
  if (typeof ignoreFailure === 'object') return ignoreFailure;
  switch (past.at(-1)?.name) {
    case undefined:
      return { name: 'inside', tasks: [], children: true };
    case 'inside': {
      const failed = children.filter((child) => child.failed);
      if (failed.length > 0 && !ignoreFailure) return refusal(failed);
      const builder = new GraphBuilder();
      const problem = addUninstall(builder, model, selection, ignoreFailure);
      return problem ?? { name: 'uninstall', tasks: builder.finish('').tasks };
    }
    default:
      return null;
  }
};

function refusal(failed: readonly ChildEnd[]): Problem {
  const told = failed
    .slice(0, NAMED)
    .map(({ deployment, execution, error }) => `${deployment} (execution ${execution}): ${error}`);
  const more = failed.length > NAMED ? ` (and ${failed.length - NAMED} more)` : '';
  return { problem: `Deployments inside this one could not be uninstalled: ${told.join('; ')}${more}` };
}
