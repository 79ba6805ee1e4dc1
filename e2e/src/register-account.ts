/** Registers where registration is open, or with a token where one is needed; gives the access token. */
export async function registerAccount(
  url: string,
  username: string,
  registrationToken?: string,
): Promise<string> {
  const auth =
    registrationToken === undefined
      ? { type: 'm.login.dummy' }
      : { type: 'm.login.registration_token', token: registrationToken };
  const response = await fetch(`${url}/_matrix/client/v3/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ username, password: `password of ${username}`, auth }),
  });
  const body = (await response.json()) as { readonly access_token?: string };
  if (body.access_token === undefined) throw new Error(`registering was answered with ${response.status}`);
  return body.access_token;
}
