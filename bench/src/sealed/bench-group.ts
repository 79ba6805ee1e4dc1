/** A group of one owner who writes as fast as it can: the protocol's own state machine, without the SDK's storage and retries. */
import { createNodeEngine } from '@conclave/ristretto/wasm-node';
import { SealedGroup, SigningKey, createSuite } from '@conclave/sealed-group';
import type { Result } from '@conclave/sealed-group';
import { systemRandom } from '@conclave/platform';
import type { ServerProcess } from '@conclave/testkit';

const suite = createSuite(createNodeEngine());
const content = { kind: 'text', text: 'x'.repeat(300) } as const;

export class BenchGroup {
  readonly #group: SealedGroup;
  readonly #url: string;

  private constructor(group: SealedGroup, url: string) {
    this.#group = group;
    this.#url = url;
  }

  static async create(server: string, accessToken: string): Promise<BenchGroup> {
    const { origin } = await askJson<{ origin: string }>(`${server}/_conclave/sealed/v1`);
    const deps = {
      suite,
      random: systemRandom,
      identity: SigningKey.generate(systemRandom),
      profile: { name: 'Bench', deviceName: 'bench', picture: undefined },
    };
    const { group, frame } = valueOf(
      SealedGroup.create(deps, {
        origin,
        mode: { leafProof: false, minWriter: 'member', ownDevices: false },
        nowMs: Date.now(),
      }),
    );
    const groups = `${server}/_conclave/sealed/v1/groups`;
    await askJson(groups, {
      body: frame,
      headers: { 'content-type': 'application/octet-stream', authorization: `Bearer ${accessToken}` },
    });
    valueOf(group.processFrame(frame, 1));
    return new BenchGroup(group, `${groups}/${Buffer.from(group.groupId).toString('base64url')}`);
  }

  get framesUrl(): string {
    return `${this.#url}/frames`;
  }

  /** All in one allocation: tens of thousands would cost the client pauses in collecting garbage while it measures. */
  buildMessages(count: number): Uint8Array[] {
    const frames = Array.from({ length: count }, () => {
      const message = valueOf(this.#group.encryptMessage({ content, nowMs: Date.now() }));
      return message.frame;
    });
    const octets = Buffer.concat(frames);
    let end = 0;
    return frames.map(({ length }) => octets.subarray(end, (end += length)));
  }

  async subscribe(): Promise<{ channel: string; connectionToken: string; subscriptionToken: string }> {
    const { challenge } = await askJson<{ challenge: string }>(`${this.#url}/challenge`, {});
    const proof = valueOf(this.#group.proveReading(Uint8Array.from(Buffer.from(challenge, 'base64url'))));
    const { read_token: token } = await askJson<{ read_token: string }>(`${this.#url}/token`, {
      body: JSON.stringify({
        challenge,
        node: proof.node,
        signature: Buffer.from(proof.signature).toString('base64url'),
      }),
      headers: { 'content-type': 'application/json' },
    });
    const answer = await askJson<Record<'channel' | 'connection_token' | 'subscription_token', string>>(
      `${this.#url}/subscription`,
      { headers: { authorization: `Bearer ${token}` } },
    );
    return {
      channel: answer.channel,
      connectionToken: answer.connection_token,
      subscriptionToken: answer.subscription_token,
    };
  }
}

/** The account that creates the groups, with the token that the server printed at its first start. */
export async function registerAccount({
  url,
  firstAccountToken,
}: Pick<ServerProcess, 'url' | 'firstAccountToken'>): Promise<string> {
  const register = `${url}/_matrix/client/v3/register`;
  const ask = async (body: object) => {
    const answer = await fetch(register, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    return (await answer.json()) as { session?: string; access_token?: string };
  };
  const account = { username: 'bench', password: 'a password for the bench' };
  const { session } = await ask(account);
  const auth = { type: 'm.login.registration_token', token: firstAccountToken, session };
  const { access_token: accessToken } = await ask({ ...account, auth });
  if (accessToken === undefined) throw new Error('the server gave no account');
  return accessToken;
}

/** GET, or POST when there are options. */
async function askJson<T>(
  url: string,
  options?: { readonly body?: Uint8Array | string; readonly headers?: Record<string, string> },
): Promise<T> {
  const answer = await fetch(url, options && { method: 'POST', ...(options as RequestInit) });
  if (!answer.ok) throw new Error(`${url} answered ${answer.status}: ${await answer.text()}`);
  return (await answer.json()) as T;
}

function valueOf<T>(result: Result<T>): T {
  if (result.ok) return result.value;
  throw new Error(`${result.rule} ${result.detail ?? ''}`);
}
