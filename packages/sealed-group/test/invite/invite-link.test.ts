import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatInviteLink, parseInviteLink } from '../../src/invite/invite-link.ts';
import { Secret } from '../../src/schedule/secret.ts';

const secretBytes = new Uint8Array(16).map((_, i) => i * 11);
const transferId = 'AAECAwQFBgcICQoLDA0ODw';
const link = formatInviteLink({
  serverOrigin: 'https://chat.example',
  transferId,
  secret: Secret.copyOf(secretBytes),
});
const broken = (rule: string) => ({ ok: false, rule });

describe('an invite link', () => {
  it('is short and gives back what it was made of', () => {
    expect(link).toMatch(/^https:\/\/chat\.example\/i#[0-9A-Z]{26}\.[0-9A-Z]{32}$/);
    const parsed = parseInviteLink(link);
    expect(parsed).toMatchObject({ ok: true, value: { serverOrigin: 'https://chat.example', transferId } });
    expect(parsed.ok && parsed.value.secret.reveal()).toEqual(secretBytes);
    expect(JSON.stringify(parsed)).toContain('[secret]');
  });

  it('survives what people and programs do to it: spaces around, capitals, letters that look alike', () => {
    const spoken = link.replaceAll(/(?<=#.*)0/g, 'o').replaceAll(/(?<=#.*)1/g, 'l');
    for (const text of [`  ${link}\n`, link.toLowerCase(), link.toUpperCase(), spoken]) {
      const parsed = parseInviteLink(text);
      expect(parsed).toMatchObject({ ok: true, value: { transferId } });
    }
  });

  it('keeps port and http of a server in the own network', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 16, maxLength: 16 }),
        fc.integer({ min: 1, max: 65_535 }),
        (bytes, port) => {
          const serverOrigin = new URL(`http://192.168.1.9:${port}`).origin;
          const made = formatInviteLink({ serverOrigin, transferId, secret: Secret.copyOf(bytes) });
          expect(parseInviteLink(made)).toMatchObject({ ok: true, value: { serverOrigin } });
        },
      ),
      { numRuns: 50 },
    );
  });

  it('invite/link-form: not a link of ours', () => {
    for (const text of [
      '',
      'hello',
      'ftp://chat.example/i#A.B',
      'https://chat.example/x#A.B',
      'javascript:alert(1)',
    ]) {
      expect(parseInviteLink(text)).toMatchObject(broken('invite/link-form'));
    }
  });

  it('invite/link-complete: the fragment, or its second part, was cut off', () => {
    for (const text of [
      'https://chat.example/i',
      'https://chat.example/i#',
      link.slice(0, link.lastIndexOf('.') + 1),
    ]) {
      expect(parseInviteLink(text)).toMatchObject(broken('invite/link-complete'));
    }
  });

  it('invite/link-checksum: any letter changed, left out or added, and another host', () => {
    const start = link.indexOf('#') + 1;
    for (let at = start; at < link.length; at++) {
      if (link[at] === '.') continue;
      const other = link[at] === '7' ? '8' : '7';
      for (const middle of [other, '', `${link[at]}7`]) {
        const text = link.slice(0, at) + middle + link.slice(at + 1);
        expect(parseInviteLink(text)).toMatchObject(broken('invite/link-checksum'));
      }
    }
    expect(parseInviteLink(link.replace('chat.', 'chad.'))).toMatchObject(broken('invite/link-checksum'));
    expect(parseInviteLink(`${link}.MORE`)).toMatchObject(broken('invite/link-checksum'));
    expect(parseInviteLink(link.replace('#', '#ü'))).toMatchObject(broken('invite/link-checksum'));
  });

  it('is not made of a bad id or origin: that is a bug of the caller', () => {
    const secret = Secret.copyOf(secretBytes);
    expect(() => formatInviteLink({ serverOrigin: 'https://a.example', transferId: '!', secret })).toThrow(
      RangeError,
    );
    expect(() => formatInviteLink({ serverOrigin: 'https://a.example', transferId: 'AAAA', secret })).toThrow(
      RangeError,
    );
    expect(() => formatInviteLink({ serverOrigin: 'chat', transferId, secret })).toThrow(RangeError);
  });
});
