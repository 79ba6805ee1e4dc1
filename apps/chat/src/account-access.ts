/**
 * The account that founding a group needs: a session that is kept in the encrypted store, refreshed when it ends, and asked
 * for when there is none. Passwords are typed without echo, or read from CONCLAVE_CHAT_PASSWORD_FILE, and never kept.
 */
import { createAccountClient, isConclaveError, type AccountSession, type Vault } from '@conclave/sdk';
import { ChatError } from './chat-error.ts';
import { explainError } from './explain-error.ts';
import { printable } from './printable.ts';
import { loadSession, saveSession } from './settings.ts';
import type { Terminal } from './terminal.ts';

export interface AccountAccessDeps {
  readonly server: string;
  readonly vault: Vault;
  readonly terminal: Terminal;
  readonly deviceName: string;
  /** Offered as the user name. */
  readonly suggestedUsername: string;
  readonly username: string | undefined;
  readonly registrationToken: string | undefined;
  /** From a file; otherwise it is asked for. */
  readonly password: string | undefined;
}

export interface AccountAccess {
  /** Runs `work` with an access token; asks the person at most for one login per call. */
  use<T>(work: (accessToken: string) => Promise<T>): Promise<T>;
}

/** Mistakes that another answer may mend. */
const mendable = ['M_FORBIDDEN', 'M_UNAUTHORIZED', 'M_USER_IN_USE', 'M_INVALID_USERNAME', 'M_WEAK_PASSWORD'];
/** An access token this close to its end is refreshed first. */
const MARGIN_MS = 30_000;

export function createAccountAccess(deps: AccountAccessDeps): AccountAccess {
  const { server, vault, terminal } = deps;
  const accounts = createAccountClient({ server });

  return {
    async use(work) {
      const kept = await keptSession();
      if (kept !== undefined) {
        try {
          return await work(kept.accessToken);
        } catch (error) {
          if (!isConclaveError(error, 'M_UNKNOWN_TOKEN', 'M_MISSING_TOKEN')) throw error;
          terminal.print('The login has ended.');
        }
      }
      const session = await askUntilItWorks();
      await saveSession(vault, server, session);
      return await work(session.accessToken);
    },
  };

  async function keptSession(): Promise<AccountSession | undefined> {
    const session = await loadSession(vault, server);
    if (session?.expiresAtMs === undefined || session.expiresAtMs - MARGIN_MS > Date.now()) return session;
    if (session.refreshToken === undefined) return undefined;
    try {
      const fresh = await accounts.refresh(session);
      await saveSession(vault, server, fresh);
      return fresh;
    } catch (error) {
      if (isConclaveError(error, 'M_UNKNOWN_TOKEN', 'M_FORBIDDEN')) return undefined;
      throw error;
    }
  }

  async function askUntilItWorks(): Promise<AccountSession> {
    terminal.print(`Founding a group needs an account at ${printable(server)}. (Joining one does not.)`);
    for (;;) {
      try {
        return await askOnce();
      } catch (error) {
        const mayRepeat =
          terminal.interactive &&
          (isConclaveError(error, ...mendable) ||
            (error instanceof ChatError && error.code === 'CHAT_PASSWORDS_DIFFER'));
        if (!mayRepeat) throw error;
        terminal.print(explainError(error));
      }
    }
  }

  async function askOnce(): Promise<AccountSession> {
    const isNew =
      deps.registrationToken !== undefined || !(await askYesNo('Do you have one already? [y/N] '));
    const username =
      deps.username ?? (await answer(`User name [${deps.suggestedUsername}]: `, deps.suggestedUsername));
    const password = deps.password ?? (await answer(isNew ? 'Choose a password: ' : 'Password: ', '', true));
    const credentials = { username, password, deviceName: deps.deviceName };
    if (!isNew) return await accounts.login(credentials);
    // On a pipe nobody mistypes unseen.
    if (
      deps.password === undefined &&
      terminal.interactive &&
      (await answer('Once more: ', '', true)) !== password
    )
      throw new ChatError('CHAT_PASSWORDS_DIFFER', 'These were two different passwords');
    const token =
      deps.registrationToken ?? (await answer('Registration token (Enter if the server wants none): ', ''));
    return await accounts.register({
      ...credentials,
      ...(token === '' ? {} : { registrationToken: token.trim() }),
    });
  }

  async function askYesNo(question: string): Promise<boolean> {
    return /^y(es)?$/i.test((await answer(question, '')).trim());
  }

  async function answer(question: string, fallback: string, secret = false): Promise<string> {
    const line = await terminal.ask(question, { secret });
    if (line === undefined) throw new ChatError('CHAT_INPUT_ENDED', 'Cancelled');
    // A password may begin or end with spaces.
    const text = secret ? line : line.trim();
    return text === '' ? fallback : text;
  }
}
