/** The code of a workflow as an operation of its plugin, which it is to everybody but the engine; and how it is told to end. */
import type { AbortReason, OperationRequest } from '../plugin.js';
import type { WorkflowRequest } from '../workflow.js';

/** Milliseconds that code gets to clean up when its execution is cancelled; after it the process is ended. */
const TIME_TO_CLEAN_UP = 8000;

/** @param signal aborted when the process has to end */
export function asOperation(request: WorkflowRequest, signal: AbortSignal): OperationRequest {
  const { id, attempt, parameters, trace } = request;
  const { plugin, atOnce, token } = request;
  return {
    functionName: request.functionName,
    inputs: parameters,
    operation: {
      id,
      name: request.context.execution.workflow,
      attempt,
      retryNumber: 0,
      maxRetries: 0,
      timeout: null,
      ...(trace === undefined ? {} : { trace }),
    },
    context: request.context,
    ...(plugin === undefined ? {} : { plugin }),
    ...(request.package === undefined ? {} : { package: () => request.package!() }),
    signal,
    ...(atOnce === undefined ? {} : { atOnce }),
    log: (level, message) => request.log(level, message),
    event: (message) => request.event('workflow_event', message),
    // It has no instances of its own.
    saveRuntimeProperties: async () => {},
    resource: (path) => request.resource(path),
    resources: (folder) => request.resources(folder),
    evaluate: (expression) => request.evaluate(expression),
    ...(token === undefined ? {} : { token }),
  };
}

/** Aborted with the request, but when it is cancelled only some time later: until then the code may clean up. */
export function endOfPatience(request: WorkflowRequest): { readonly signal: AbortSignal; forget(): void } {
  const end = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  const asked = () => {
    const reason = request.signal.reason as AbortReason;
    if (reason !== 'cancelled') end.abort(reason);
    else timer = setTimeout(() => end.abort(reason), TIME_TO_CLEAN_UP);
  };
  const hurried = () => end.abort(request.atOnce!.reason);
  if (request.signal.aborted) asked();
  else request.signal.addEventListener('abort', asked);
  request.atOnce?.addEventListener('abort', hurried);
  return {
    signal: end.signal,
    forget() {
      clearTimeout(timer);
      request.signal.removeEventListener('abort', asked);
      request.atOnce?.removeEventListener('abort', hurried);
    },
  };
}
