import { z } from 'zod';
import type { Instance } from '../instance.ts';
import { ControlError } from './control-error.ts';

export interface ControlRequest {
  /** Of the path, by their names in it; decoded. */
  readonly parameters: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  /** JSON, nothing checked yet; `undefined` where there is none. */
  readonly body: unknown;
}

export interface Route {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** `/accounts/:account` */
  readonly path: string;
  /** What is answered as JSON; nothing for `undefined`. */
  readonly answer: (instance: Instance, request: ControlRequest) => Promise<unknown>;
}

/** Throws with everything that is wrong. */
export function parsed<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const result = schema.safeParse(value ?? {});
  if (!result.success) {
    throw new ControlError(400, z.prettifyError(result.error));
  }
  return result.data;
}

export interface FoundRoute {
  readonly route: Route;
  readonly parameters: Readonly<Record<string, string>>;
}

/** Throws a refusal that tells an unknown path from a wrong method. */
export function findRoute(routes: readonly Route[], method: string, path: string): FoundRoute {
  const there = routes.flatMap((route) => {
    const parameters = match(route.path, path);
    return parameters === undefined ? [] : [{ route, parameters }];
  });
  const found = there.find(({ route }) => route.method === method);
  if (found !== undefined) {
    return found;
  }
  if (there.length > 0) {
    throw new ControlError(405, `${path} takes ${there.map(({ route }) => route.method).join(', ')}.`);
  }
  throw new ControlError(404, `There is no ${path} here; docs/test-kit.md lists what there is.`);
}

function match(pattern: string, path: string): Record<string, string> | undefined {
  const [names, values] = [pattern.split('/'), path.split('/')];
  if (names.length !== values.length) {
    return undefined;
  }
  const parameters: Record<string, string> = {};
  for (const [index, name] of names.entries()) {
    const value = decoded(values[index] ?? '');
    if (name.startsWith(':') && value !== '') {
      parameters[name.slice(1)] = value;
    } else if (name !== value) {
      return undefined;
    }
  }
  return parameters;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new ControlError(400, 'The path is not encoded as a URL is.');
  }
}
