/** What the host process asks of the worker, beside the words of `ctx`: see host/host.py. */
import type { JsonObject } from '../../dsl/plan.js';
import { DomainError } from '../../errors.js';
import type { InstanceContext, OperationRequest } from '../plugin.js';
import { CtxCallable, CtxError, CtxObject, type CtxThing } from '../script/ctx-values.js';
import { instancesOf, type ScriptSession } from '../script/session.js';
import { hostInstance, hostNode } from './host-context.js';

/** @param call what to run: the context, the inputs, and where the small package is */
export function hostDoor(session: ScriptSession, call: JsonObject): CtxObject {
  const { request } = session;
  const told = new Set<string>();
  return new CtxObject('host', {
    call: () => call,
    node: () =>
      asked(async ([name, instance]) => {
        const seen = await surroundingsOf(request).node(
          text(name),
          typeof instance === 'string' ? instance : null,
        );
        return hostNode(seen, request.context.deployment.id);
      }),
    instance: () =>
      asked(async ([id]) => {
        const wanted = text(id);
        const own = instancesOf(request).some((one) => one.instance.id === wanted);
        // The first look is at what the operation was given; whoever looks again wants to know what is there now.
        if (own && told.has(wanted)) await session.refresh(wanted, true);
        told.add(wanted);
        const seen = await surroundingsOf(request).instance(wanted);
        return hostInstance(seen, own ? session.properties(wanted) : seen.runtimeProperties);
      }),
    update: () =>
      asked(async ([id]) => {
        await session.update(text(id));
        return null;
      }),
    files: () => asked(async ([folder]) => [...((await request.resources?.(trimmed(text(folder)))) ?? [])]),
    evaluate: () => asked((_args, { payload }) => request.evaluate(payload ?? null)),
  });
}

function asked(answer: (args: readonly CtxThing[], named: JsonObject) => Promise<CtxThing>): CtxCallable {
  return new CtxCallable(async (args, named) => {
    try {
      return await answer(args, named);
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
      const type =
        error.kind === 'conflict'
          ? 'ConflictError'
          : error.kind === 'unavailable'
            ? 'RuntimeError'
            : 'NonRecoverableError';
      throw new CtxError(type, error.message);
    }
  });
}

/** Where a request brings none: what its context shows. */
function surroundingsOf(request: OperationRequest): NonNullable<OperationRequest['surroundings']> {
  if (request.surroundings !== undefined) return request.surroundings;
  const known = instancesOf(request);
  const found = (one: InstanceContext | undefined, name: string) => {
    if (one === undefined) throw new CtxError('NonRecoverableError', `${name} is not in this operation`);
    return one;
  };
  return {
    node: async (name) => {
      const { node } = found(
        known.find((one) => one.node.name === name),
        name,
      );
      return { ...node, host: null, relationships: [] };
    },
    instance: async (id) => {
      const { node, instance } = found(
        known.find((one) => one.instance.id === id),
        id,
      );
      return { ...instance, node: node.name, host: null };
    },
  };
}

function trimmed(folder: string): string {
  return folder.replace(/^\.?\/+|\/+$/g, '');
}

function text(value: CtxThing | undefined): string {
  if (typeof value === 'string') return value;
  throw new CtxError('TypeError', 'a name is missing');
}
