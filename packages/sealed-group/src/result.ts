/**
 * The outcome of everything that looks at bytes from outside: a value, or the rule that was broken. Nothing here throws:
 * one bad frame cannot hurt another. `detail` is for logs and developers; it never holds secret or decrypted data.
 */
import type { RuleId } from './rules/index.ts';

export interface Violation {
  readonly ok: false;
  readonly rule: RuleId;
  readonly detail?: string;
}

export type Result<T> = { readonly ok: true; readonly value: T } | Violation;

export function accept<T>(value: T): Result<T> {
  return { ok: true, value };
}

export function violation(rule: RuleId, detail?: string): Violation {
  return detail === undefined ? { ok: false, rule } : { ok: false, rule, detail };
}
