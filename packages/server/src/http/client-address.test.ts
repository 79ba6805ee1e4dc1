import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { addressKey, createClientAddress } from './client-address.ts';

describe('the key of an address', () => {
  it.each([
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:DB8:1:2::9', '2001:db8:1:2::/64'],
    ['2001:db8::9', '2001:db8:0:0::/64'],
    ['2001:0db8:0001:0002::', '2001:db8:1:2::/64'],
    ['::1', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['64:ff9b::192.0.2.7', '64:ff9b:0:0::/64'],
    ['', 'unknown'],
    ['nonsense', 'unknown'],
  ])('%s counts as %s', (address, key) => {
    expect(addressKey(address)).toBe(key);
  });
});

describe('the address of a client', () => {
  function requestFrom(peer: string, forwardedFor: string): IncomingMessage {
    const socket = new Socket();
    Object.defineProperty(socket, 'remoteAddress', { value: peer });
    const request = new IncomingMessage(socket);
    request.headers['x-forwarded-for'] = forwardedFor;
    return request;
  }

  it('is the peer, whatever the peer writes, unless it is a trusted proxy', () => {
    const request = requestFrom('192.0.2.1', '198.51.100.9');
    expect(createClientAddress([])(request)).toBe('192.0.2.1');
    expect(createClientAddress(['10.0.0.0/8'])(request)).toBe('192.0.2.1');
  });

  it('is the last address that no trusted proxy has', () => {
    const request = requestFrom('10.0.0.1', '203.0.113.5, 198.51.100.9, 10.0.0.2');
    expect(createClientAddress(['10.0.0.0/8'])(request)).toBe('198.51.100.9');
  });
});
