/** Which methods a path takes, asked about requests that no route took: a wrong method is 405, a wrong path 404. */
import type { FastifyInstance } from 'fastify';

export interface KnownPaths {
  /** In the order of the alphabet; none: there is no such path. */
  methodsOf(url: string): readonly string[];
}

/** Learns the routes that are added to `scope` from now on. */
export function watchPaths(scope: FastifyInstance): KnownPaths {
  const known = new Map<string, { readonly pattern: RegExp; readonly methods: Set<string> }>();
  scope.addHook('onRoute', ({ method, url }) => {
    const entry = known.get(url) ?? { pattern: patternOf(url), methods: new Set() };
    known.set(url, entry);
    for (const each of [method].flat()) entry.methods.add(each);
  });
  return {
    methodsOf(url) {
      const path = url.replace(/[?#].*$/s, '').replace(/\/+/g, '/');
      const fitting = [...known.values()].filter(({ pattern }) => pattern.test(path));
      return [...new Set(fitting.flatMap(({ methods }) => [...methods]))].sort();
    },
  };
}

function patternOf(url: string): RegExp {
  const steps = url.split('/').map((step) => {
    if (step === '*') return '.*';
    return step.startsWith(':') ? '[^/]+' : step.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  });
  return new RegExp(`^${steps.join('/').replace(/\/$/, '')}/?$`);
}
