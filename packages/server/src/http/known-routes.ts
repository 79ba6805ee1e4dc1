/** Tells "no such route" (404) from "not with this method" (405), which Matrix wants kept apart. */
import type { FastifyInstance } from 'fastify';

export interface KnownRoutes {
  /** The methods that a path can be asked with; empty when there is no such route. */
  methodsOf(path: string): string[];
}

/** Observes the routes of `app` as they are added: call it before adding any. */
export function watchRoutes(app: FastifyInstance): KnownRoutes {
  const methodsByPattern = new Map<string, { matches: RegExp; methods: Set<string> }>();
  app.addHook('onRoute', ({ url, method }) => {
    const entry = methodsByPattern.get(url) ?? { matches: patternOf(url), methods: new Set<string>() };
    for (const name of Array.isArray(method) ? method : [method]) entry.methods.add(name);
    methodsByPattern.set(url, entry);
  });
  return {
    methodsOf(path) {
      const methods = [...methodsByPattern.values()]
        .filter(({ matches }) => matches.test(path))
        .flatMap((entry) => [...entry.methods]);
      return [...new Set(methods)].sort();
    },
  };
}

function patternOf(url: string): RegExp {
  const segments = url.split('/').map((segment) => {
    if (segment === '*') return '.*';
    if (segment.startsWith(':')) return '[^/]+';
    return segment.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  });
  return new RegExp(`^${segments.join('/')}$`);
}
