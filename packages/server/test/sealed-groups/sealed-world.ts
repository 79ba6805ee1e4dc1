/** A server whose clock the test moves, people on it, and the check that a refusal leaves no trace. */
import type { Log } from '@conclave/platform';
import { createManualClock, type ManualClock } from '@conclave/platform/testing';
import { TestMember, type ServerAnswer } from '@conclave/testkit';
import type { GroupMode } from '@conclave/sealed-group';
import { expect } from 'vitest';
import type { ConfigInput } from '../../src/index.ts';
import { errorCodes } from '../../src/errors/error-registry.ts';
import { register, startTestServer, type TestServer } from '../test-server.ts';
import { dumpDatabase } from './database-dump.ts';
import { Forger } from './forger.ts';

export interface SealedWorld extends AsyncDisposable {
  readonly running: TestServer;
  readonly url: string;
  readonly clock: ManualClock;
  readonly accessToken: string;
  readonly origin: string;
  createGroup(name?: string, mode?: GroupMode): Promise<TestMember>;
  forger(): Promise<Forger>;
  /** Runs `act`, expects this refusal, and that the database is as it was to the last row. */
  refused(
    act: () => Promise<ServerAnswer>,
    status: number,
    code: string,
    rule?: string,
  ): Promise<ServerAnswer>;
}

export async function startSealedWorld(config: ConfigInput = {}, log?: Log): Promise<SealedWorld> {
  const clock = createManualClock();
  const running = await startTestServer(config, { clock, ...(log === undefined ? {} : { log }) });
  const { url, server } = running;
  const { access_token: accessToken } = await register(url, 'ada');
  const origin = server.serverName;
  const nowMs = (): number => clock.nowMs();
  return {
    running,
    url,
    clock,
    accessToken,
    origin,
    createGroup: (name = 'alice', mode) =>
      TestMember.create({ url, name, accessToken, origin, nowMs, ...(mode === undefined ? {} : { mode }) }),
    forger: () => Forger.create({ url, accessToken, origin, nowMs }),
    async refused(act, status, code, rule) {
      const before = await dumpDatabase(server);
      const answer = await act();
      expect({ status: answer.status, code: answer.body.errcode, rule: answer.body.rule }).toEqual({
        status,
        code,
        rule,
      });
      const { statuses }: { readonly statuses: readonly number[] } =
        errorCodes[code as keyof typeof errorCodes];
      expect(statuses).toContain(status);
      expect(await dumpDatabase(server)).toEqual(before);
      return answer;
    },
    [Symbol.asyncDispose]: () => running[Symbol.asyncDispose](),
  };
}
