import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatUserId, localpartOfLogin, parseUsername } from './user-id.ts';

describe('user names', () => {
  it('become localparts that are valid, and that logging in finds again', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 300 }), (username) => {
        const parsed = parseUsername(username, 'example.org');
        if (!parsed.ok) return;
        const userId = formatUserId(parsed.localpart, 'example.org');
        expect(userId).toMatch(/^@[a-z0-9._=\-/+]+:example\.org$/);
        expect(userId.length).toBeLessThanOrEqual(255);
        expect(localpartOfLogin(userId, 'example.org')).toBe(parsed.localpart);
        expect(localpartOfLogin(username, 'example.org')).toBe(parsed.localpart);
      }),
      { numRuns: 300 },
    );
  });

  it('of other servers are nobody here', () => {
    expect(localpartOfLogin('@ada:elsewhere.example', 'example.org')).toBeUndefined();
    expect(localpartOfLogin('@ada', 'example.org')).toBeUndefined();
    expect(localpartOfLogin('@ada:example.org:8448', 'example.org:8448')).toBe('ada');
  });
});
