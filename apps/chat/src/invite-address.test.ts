import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { formatInviteLink, parseInviteLink, Secret } from '@conclave/sealed-group';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { addressForOthers } from './invite-address.ts';

describe('the address in an invite link', () => {
  let server: Server;
  let port = 0;
  beforeEach(async () => {
    server = createServer((_request, response) => response.end(JSON.stringify({ origin: 'chat.test' })));
    // Another name of this machine stands for its address in the network.
    server.listen(0, '0.0.0.0');
    await once(server, 'listening');
    port = (server.address() as AddressInfo).port;
  });
  afterEach(() => new Promise((resolve) => server.close(resolve)));

  const linkAt = (serverOrigin: string): string =>
    formatInviteLink({
      serverOrigin,
      transferId: 'AAAAAAAAAAAAAAAA',
      secret: Secret.copyOf(new Uint8Array(16)),
    });

  it('becomes one that other machines reach, with the checksum of the new link', async () => {
    const { link, reach } = await addressForOthers(linkAt(`http://localhost:${port}`), {
      addresses: () => ['127.0.0.1'],
    });
    expect(reach).toBe('network');
    expect(parseInviteLink(link)).toMatchObject({
      ok: true,
      value: { serverOrigin: `http://127.0.0.1:${port}` },
    });
  });

  it('stays, and is known to work here alone, when the server answers nowhere else', async () => {
    const link = linkAt(`http://localhost:${port}`);
    expect(await addressForOthers(link, { addresses: () => [] })).toEqual({ link, reach: 'local' });
  });

  it('stays when it names another machine already', async () => {
    const link = linkAt('https://chat.example');
    expect(await addressForOthers(link)).toEqual({ link, reach: 'same' });
  });
});
