/**
 * Which methods a path takes, asked only about requests that no route took: so that a wrong method is told apart from a
 * wrong path. The router itself does not say; routes that refuse the other methods would stand in the way of patterns that
 * the router tries next (`GET /tenants/users` is a tenant of that name, though the path has routes of its own).
 */
import type { FastifyInstance } from 'fastify';

export interface KnownPaths {
  /** Methods of every route that fits, in the order of the alphabet; none: there is no such path. */
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
  const segments = url.split('/').map((segment) => {
    if (segment === '*') return '.*';
    return segment.startsWith(':') ? '[^/]+' : segment.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  });
  return new RegExp(`^${segments.join('/')}/?$`);
}
