/**
 * User-interactive authentication (Matrix v1.19, "User-Interactive Authentication API").
 *
 * Each of our flows has one stage, which completes in the request that carries it. So there is no progress to
 * remember, and a session is a MACed, expiring statement of which operation (and whose) it was opened for:
 * asking costs the database nothing, and any process can check it.
 */
import { createHmac, timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import type { Clock, RandomSource } from '@conclave/platform';
import type { ErrorCode } from '../errors/error-registry.ts';

export type Stage = 'm.login.dummy' | 'm.login.registration_token' | 'm.login.password';

const sessionLifetimeMs = 15 * 60_000;

/** The `auth` object of a request; each stage reads its own keys out of it. */
export const authDataSchema = z.looseObject({
  type: z.string().optional(),
  session: z.string().max(200).optional(),
});
export type AuthData = z.output<typeof authDataSchema>;

export type StageResult =
  | { readonly ok: true }
  | { readonly ok: false; readonly errcode: ErrorCode; readonly error: string };

/** The body of a 401 that asks for (more) authentication: `definitions/auth_response.yaml`. */
export interface AuthResponse {
  readonly flows: readonly { readonly stages: readonly Stage[] }[];
  readonly params: Readonly<Record<string, never>>;
  readonly session: string;
  readonly completed: readonly Stage[];
  readonly errcode?: ErrorCode;
  readonly error?: string;
}

export type InteractiveAuthResult =
  | { readonly ok: true }
  | { readonly ok: false; readonly response: AuthResponse };

export interface InteractiveAuthRequest {
  /** What is authenticated, and for whom: a session opened for something else does not count. */
  readonly operation: string;
  readonly subject: string;
  readonly stage: Stage;
  readonly auth: AuthData | undefined;
  readonly verifyStage: (auth: AuthData) => Promise<StageResult>;
}

export interface InteractiveAuthDeps {
  readonly clock: Clock;
  readonly random: RandomSource;
  readonly macKey: Uint8Array;
}

export interface InteractiveAuth {
  check(request: InteractiveAuthRequest): Promise<InteractiveAuthResult>;
}

export function createInteractiveAuth({ clock, random, macKey }: InteractiveAuthDeps): InteractiveAuth {
  function macOf(payload: Buffer, { operation, subject }: InteractiveAuthRequest): Buffer {
    const mac = createHmac('sha256', macKey);
    mac.update(payload).update(JSON.stringify([operation, subject]));
    return mac.digest().subarray(0, 16);
  }

  function openSession(request: InteractiveAuthRequest): string {
    const payload = Buffer.alloc(18);
    payload.writeUIntBE(clock.nowMs() + sessionLifetimeMs, 0, 6);
    payload.set(random.bytes(12), 6);
    return Buffer.concat([payload, macOf(payload, request)]).toString('base64url');
  }

  function isOpen(session: string, request: InteractiveAuthRequest): boolean {
    const bytes = Buffer.from(session, 'base64url');
    if (bytes.length !== 34) return false;
    const payload = bytes.subarray(0, 18);
    return (
      timingSafeEqual(bytes.subarray(18), macOf(payload, request)) && payload.readUIntBE(0, 6) > clock.nowMs()
    );
  }

  return {
    async check(request) {
      const { auth, stage } = request;
      const refuse = (
        session: string,
        failure?: { errcode: ErrorCode; error: string },
      ): InteractiveAuthResult => ({
        ok: false,
        response: { flows: [{ stages: [stage] }], params: {}, session, completed: [], ...failure },
      });
      if (auth === undefined) return refuse(openSession(request));
      // A client that knows the only stage may send it at once, without having been given a session.
      if (auth.session !== undefined && !isOpen(auth.session, request)) {
        return refuse(openSession(request), {
          errcode: 'M_UNKNOWN',
          error: 'The session is unknown or over',
        });
      }
      const session = auth.session ?? openSession(request);
      if (auth.type === undefined) return refuse(session);
      if (auth.type !== stage) {
        return refuse(session, { errcode: 'M_FORBIDDEN', error: `The stage needed is ${stage}` });
      }
      const result = await request.verifyStage(auth);
      return result.ok ? { ok: true } : refuse(session, { errcode: result.errcode, error: result.error });
    },
  };
}
