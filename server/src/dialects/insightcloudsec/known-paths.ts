/** Which methods a path takes, asked only about requests that no route took. */
import type { FastifyInstance } from 'fastify';

export interface KnownPaths {
  /** In the order of the alphabet; none: there is no such path. */
  methodsOf(url: string): readonly string[];
}

/** Learns the routes that are added to `scope` from now on. */
export function watchPaths(scope: FastifyInstance): KnownPaths {
  const known: { readonly pattern: RegExp; readonly method: string }[] = [];
  scope.addHook('onRoute', ({ method, url }) => {
    const pattern = patternOf(url);
    for (const each of [method].flat()) known.push({ pattern, method: each });
  });
  return {
    methodsOf(url) {
      const path = url.replace(/[?#].*$/s, '').replace(/\/+/g, '/');
      const fitting = known.filter(({ pattern }) => pattern.test(path));
      return [...new Set(fitting.map(({ method }) => method))].sort();
    },
  };
}

function patternOf(url: string): RegExp {
  const segments = url
    .split('/')
    .map((segment) => (segment.startsWith(':') ? '[^/]+' : segment.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')));
  return new RegExp(`^${segments.join('/')}/?$`);
}
