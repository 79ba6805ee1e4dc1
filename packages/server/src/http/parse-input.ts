/** Bodies and query strings as typed values, or the Matrix error that says what is wrong with them. */
import type { FastifyRequest } from 'fastify';
import type { z } from 'zod';
import { ApiError } from '../errors/api-error.ts';

/** Throws {@link ApiError} `M_NOT_JSON`, `M_MISSING_PARAM` or `M_BAD_JSON`. Unknown keys are ignored, as Matrix asks. */
export function parseBody<T extends z.ZodType>(schema: T, request: FastifyRequest): z.output<T> {
  const { body } = request;
  if (body === undefined || body === null) throw new ApiError('M_NOT_JSON', 'The request needs a JSON body');
  return parseInput(schema, body, 'M_BAD_JSON');
}

/** Throws {@link ApiError} `M_MISSING_PARAM` or `M_INVALID_PARAM`. */
export function parseQuery<T extends z.ZodType>(schema: T, request: FastifyRequest): z.output<T> {
  return parseInput(schema, request.query, 'M_INVALID_PARAM');
}

function parseInput<T extends z.ZodType>(
  schema: T,
  input: unknown,
  code: 'M_BAD_JSON' | 'M_INVALID_PARAM',
): z.output<T> {
  const result = schema.safeParse(input);
  if (result.success) {
    if (hasNul(result.data)) throw new ApiError(code, 'Text with U+0000 is not accepted');
    return result.data;
  }
  const issue = result.error.issues[0];
  const at = issue?.path.map(String).join('.') ?? '';
  if (issue !== undefined && at !== '' && valueAt(input, issue.path) === undefined) {
    throw new ApiError('M_MISSING_PARAM', `${at} is missing`);
  }
  throw new ApiError(code, `${at === '' ? 'The body' : at}: ${issue?.message ?? 'not valid'}`);
}

/** PostgreSQL's text cannot hold it, SQLite's can: refused for both. Looks at what the schema let through, which is bounded. */
function hasNul(value: unknown): boolean {
  if (typeof value === 'string') return value.includes('\0');
  return typeof value === 'object' && value !== null && Object.values(value).some(hasNul);
}

function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, key) => (typeof value === 'object' && value !== null ? Reflect.get(value, key) : undefined),
    input,
  );
}
