/**
 * Overhears the read tokens that the SDK is given, so that the log can be read at the end from every server process by itself, and
 * so that a removed member can try the token that it kept.
 */
export interface TokenTap {
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
  tokenOf(group: string): string | undefined;
}

const tokenPath = /\/_conclave\/sealed\/v1\/groups\/([^/]+)\/token$/;

export function tapTokens(): TokenTap {
  const tokenByGroup = new Map<string, string>();
  return {
    async fetch(url, init) {
      const answer = await fetch(url, init);
      const group = tokenPath.exec(new URL(url).pathname)?.[1];
      if (group !== undefined && answer.ok) {
        const { read_token: token } = (await answer.clone().json()) as { read_token?: unknown };
        if (typeof token === 'string') tokenByGroup.set(group, token);
      }
      return answer;
    },
    tokenOf: (group) => tokenByGroup.get(group),
  };
}
