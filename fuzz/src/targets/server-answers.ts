import { ConclaveError } from '../../../packages/sdk/src/errors/conclave-error.ts';
import { createSealedApi } from '../../../packages/sdk/src/http/sealed-api.ts';
import type { FuzzTarget } from '../engine/target.ts';

type Deps = Parameters<typeof createSealedApi>[0];

const answers = [
  {
    seq: 7,
    epoch: 2,
    challenge: 'AAEC',
    read_token: 't',
    expires_at: 9,
    last_seq: 3,
    frames: [{ seq: 1, frame: 'AAEC' }],
  },
  {
    leaves: [{ leaf: 1, leaf_epoch: 2, signature: 'AAEC' }],
    channel: 'c',
    connection_token: 't',
    subscription_token: 's',
    id: 'x',
  },
];

/** Input: the JSON of an answer; octets that are none are refused before the code under test. */
export const target: FuzzTarget = {
  about: 'answers of the server to the SDK: a hostile server must not crash a client',
  format: 'json',
  maxBytes: 8 * 1024,
  runs: 4_000,
  prepare: () => ({
    seeds: answers.map((answer) => Buffer.from(JSON.stringify(answer))),
    async check(bytes) {
      let answer: unknown;
      try {
        answer = JSON.parse(Buffer.from(bytes).toString());
      } catch {
        return;
      }
      if (typeof answer !== 'object' || answer === null || Array.isArray(answer)) return;
      const api = createSealedApi({ http: { requestJson: async () => answer } } as unknown as Deps);
      const id = new Uint8Array(16);
      const calls = [
        () => api.postFrame(id, bytes),
        () => api.getChallenge(id),
        () => api.redeemChallenge(id, { challenge: bytes, node: 0, signature: bytes }),
        () => api.getFrames(id, '', { after: 0, limit: 1 }),
        () => api.getLeaves(id, ''),
        () => api.subscribe(id, ''),
      ];
      for (const call of calls) {
        try {
          await call();
        } catch (error) {
          if (!(error instanceof ConclaveError)) throw error;
        }
      }
    },
  }),
};
