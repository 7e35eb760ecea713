/** What Python asks of the worker beyond the words of `ctx`: see python/cloudify here, and ../python/host. */
import type { Json, JsonObject } from '../../dsl/plan.js';
import type { FailureCause } from '../../errors.js';
import { CtxCallable, CtxObject, isMapping } from './ctx-values.js';
import type { ScriptSession } from './session.js';
import { refuseUnstorable, said, shown, storableText } from './storable.js';

/** Links of a chain of causes that are kept. */
const MOST_CAUSES = 10;
/** Characters of a traceback. */
const MOST_TRACE = 16_384;

export function pythonDoor(
  session: ScriptSession,
  snapshot: (session: ScriptSession) => JsonObject,
): CtxObject {
  return new CtxObject('python', {
    snapshot: () => snapshot(session),
    inputs: () => {
      const own = ['script_path', 'script_source', 'process', 'ssl_cert_content'];
      return Object.fromEntries(
        Object.entries(session.request.inputs).filter(([name]) => !own.includes(name)),
      );
    },
    save: () =>
      new CtxCallable((_args, named) => {
        for (const [id, data] of Object.entries(named)) {
          session.replace(id, data);
        }
        return null;
      }),
    returns: () =>
      new CtxCallable((_args, named) => {
        const value = named.value ?? null;
        refuseUnstorable(value);
        session.decide({ kind: 'returns', value });
        return null;
      }),
    raised: () =>
      new CtxCallable((_args, named) => {
        const { type, message, traceback, retryable, retry_after, causes } = named;
        session.verdict = {
          kind: 'raise',
          error: {
            type: storableText(shown(type ?? 'Exception'), 200),
            message: said(message ?? ''),
            traceback: storableText(shown(traceback ?? ''), MOST_TRACE),
            retryable: retryable !== false,
            causes: Array.isArray(causes) ? causes.filter(isMapping).slice(0, MOST_CAUSES).map(causeOf) : [],
            retryAfter: typeof retry_after === 'number' && retry_after >= 0 ? retry_after : null,
          },
        };
        return null;
      }),
  });
}

function causeOf(one: JsonObject): FailureCause {
  const text = (value: Json | undefined, most: number) => storableText(shown(value ?? ''), most);
  const traceback = text(one.traceback, MOST_TRACE);
  return {
    type: text(one.type, 200),
    message: said(one.message ?? ''),
    ...(traceback === '' ? {} : { traceback }),
  };
}
