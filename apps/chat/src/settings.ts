/** What the program itself remembers, inside the SDK's encrypted store: names, the server, account sessions. */
import type { AccountSession, Vault } from '@conclave/sdk';

export interface Settings {
  readonly name?: string;
  readonly device?: string;
  readonly server?: string;
  /** Id of the group used last. */
  readonly lastGroup?: string;
}

const settingsPath = ['chat', 'settings'];

export async function loadSettings(vault: Vault): Promise<Settings> {
  return (await loadJson<Settings>(vault, settingsPath)) ?? {};
}

export async function saveSettings(vault: Vault, changes: Settings): Promise<void> {
  await saveJson(vault, settingsPath, { ...(await loadSettings(vault)), ...changes });
}

export function loadSession(vault: Vault, server: string): Promise<AccountSession | undefined> {
  return loadJson<AccountSession>(vault, ['chat', 'account', server]);
}

export function saveSession(vault: Vault, server: string, session: AccountSession): Promise<void> {
  return saveJson(vault, ['chat', 'account', server], session);
}

/** What comes out was authenticated by the vault: it is what this program wrote. */
async function loadJson<T>(vault: Vault, path: string[]): Promise<T | undefined> {
  const bytes = await vault.get(path);
  return bytes === undefined ? undefined : (JSON.parse(new TextDecoder().decode(bytes)) as T);
}

async function saveJson(vault: Vault, path: string[], value: unknown): Promise<void> {
  await vault.transact([{ put: path, value: new TextEncoder().encode(JSON.stringify(value)) }]);
}
