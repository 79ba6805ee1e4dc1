/** The stage `m.login.password`: whoever holds the access token proves that they are its owner too. */
import { takeOrRefuse } from '../../http/rate-limit.ts';
import type { AccountsContext } from '../accounts-feature.ts';
import type { AuthData, StageResult } from '../interactive-auth.ts';
import type { Session } from '../sessions.ts';
import { localpartOfLogin } from '../user-id.ts';

export async function verifyPasswordStage(
  { accounts, passwordLimiter, serverName }: AccountsContext,
  session: Session,
  auth: AuthData,
): Promise<StageResult> {
  const password = auth['password'];
  if (typeof password !== 'string') {
    return { ok: false, errcode: 'M_MISSING_PARAM', error: 'auth.password is missing' };
  }
  const named = namedUser(auth);
  const isOwner = named === undefined || localpartOfLogin(named, serverName) === session.localpart;
  await takeOrRefuse(passwordLimiter, session.localpart);
  const proven = await accounts.hasPassword(isOwner ? session.localpart : undefined, password);
  return proven
    ? { ok: true }
    : { ok: false, errcode: 'M_FORBIDDEN', error: 'The name or password is wrong' };
}

/** Whom the stage names: `identifier.user`, or `user` in the deprecated spelling. */
function namedUser(auth: AuthData): string | undefined {
  const { identifier, user } = auth;
  if (typeof identifier === 'object' && identifier !== null && 'user' in identifier) {
    return typeof identifier.user === 'string' ? identifier.user : '';
  }
  return typeof user === 'string' ? user : undefined;
}
