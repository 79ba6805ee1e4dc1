/**
 * A conversation of two in a sealed group that goes on whatever happens to the servers, and whose every request is made once:
 *
 *     ada ── says "ada 1", "ada 2", … ─▶ servers ─▶ WebSocket ─▶ bo, who decrypts what he is told, in the order of the log
 *     ada ── puts an attachment ──────▶ servers ─▶ bo reads it, and the first one again
 *
 * Bo asks for the log only where publications have a gap, as clients do: after every reconnection.
 */
import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { inspect } from 'node:util';
import { ask, TestMember } from '@conclave/testkit';
import { followGroup, type Follower } from './follower.ts';
import { registerAccount } from './register-account.ts';

export interface Conversation extends Disposable {
  /** What was acknowledged, in the order of the places that were named. */
  readonly said: readonly string[];
  /** What bo has decrypted, in order. */
  readonly heard: readonly string[];
  /** How many of these he was told by the WebSocket, with nothing missing before. */
  readonly live: Follower['live'];
  readonly subscriptions: Follower['subscriptions'];
  /** Frames that the log has. */
  readonly frames: number;
  /** What went wrong, one line each. */
  readonly failures: readonly string[];
  /** Resolves when ada has said some more, with an attachment in between, and bo has heard all of it. */
  goOn(): Promise<void>;
  /** Ends after the message that is under way. Rejects never; look at `failures`. */
  stop(): Promise<void>;
}

/** Processes that start have a share of the machine. */
const pauseMs = 40;
const messagesOfRound = 10;

export interface ConversationOptions {
  /** Of the account that creates the group. */
  readonly username?: string;
  /** Where registration is not open. */
  readonly registrationToken?: string;
}

export async function startConversation(
  url: string,
  { username = 'ada', registrationToken }: ConversationOptions = {},
): Promise<Conversation> {
  const accessToken = await registerAccount(url, username, registrationToken);
  const ada = await TestMember.create({ url, name: 'ada', accessToken, origin: 'conclave.test' });
  const bo = await ada.welcome('bo');
  const follower = await followGroup(bo, bo.group.lastSeq, (frame, seq) => bo.process(frame, seq));
  const said: string[] = [];
  const failures: string[] = [];
  const attachments: { readonly path: string; readonly octets: Buffer }[] = [];
  const stopped = new AbortController();
  let lastSeq = bo.group.lastSeq;

  const speaking = (async () => {
    for (let count = 1; !stopped.signal.aborted; count++) {
      const text = `ada ${count}`;
      try {
        const { status, body } = await ada.say(text);
        if (status !== 200) throw new Error(`answered ${status} ${JSON.stringify(body)}`);
        if (body.seq <= lastSeq) throw new Error(`place ${body.seq} comes after ${lastSeq}`);
        lastSeq = body.seq;
        said.push(text);
      } catch (error) {
        failures.push(`${text}: ${inspect(error)}`);
      }
      await sleep(pauseMs);
    }
  })();

  async function exchangeAttachment(): Promise<void> {
    const octets = randomBytes(100_000);
    const { path, headers } = ada.proveBlob(octets);
    const put = await ask(url, 'PUT', path, { octets, headers });
    if (put.status !== 201) throw new Error(`an attachment was answered ${put.status}`);
    attachments.push({ path, octets });
    for (const attachment of new Set([attachments[0]!, attachments.at(-1)!])) {
      const got = await bo.ask('GET', attachment.path.slice(bo.path.length));
      if (got.status !== 200) throw new Error(`reading an attachment was answered ${got.status}`);
      if (!attachment.octets.equals(got.octets)) throw new Error('another attachment was read');
    }
  }

  return {
    said,
    get heard() {
      return bo.texts();
    },
    get live() {
      return follower.live;
    },
    get subscriptions() {
      return follower.subscriptions;
    },
    get frames() {
      return lastSeq;
    },
    failures,
    async goOn() {
      await exchangeAttachment();
      const enough = said.length + messagesOfRound;
      while (said.length < enough && !stopped.signal.aborted && failures.length === 0) await sleep(pauseMs);
      await follower.reached(lastSeq);
    },
    async stop() {
      stopped.abort();
      await speaking;
      await follower.reached(lastSeq);
    },
    [Symbol.dispose]() {
      stopped.abort();
      follower[Symbol.dispose]();
    },
  };
}
