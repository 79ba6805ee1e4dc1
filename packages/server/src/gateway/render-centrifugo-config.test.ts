import { describe, expect, it } from 'vitest';
import type { ConfigInput } from '../config/config-schema.ts';
import { parseConfig } from '../config/load-config.ts';
import { renderCentrifugoConfig, type CentrifugoSecrets } from './render-centrifugo-config.ts';

const secrets: CentrifugoSecrets = {
  tokenSecret: 'token-secret-of-at-least-thirty-two-characters',
  apiKey: 'api-key',
  busPassword: 'bus-password',
  redisPassword: 'redis-password',
  admin: undefined,
};
const listen = { address: '127.0.0.1', port: 8000, internalAddress: '127.0.0.1', internalPort: 9000 };

function render(input: ConfigInput = {}, changed: Partial<CentrifugoSecrets> = {}) {
  const config = parseConfig({
    publicUrl: 'https://chat.example.org',
    ...input,
    bus: { engine: 'nats', url: 'nats://conclave@bus-1:4222,nats://conclave@bus-2:4222', ...input.bus },
    gateway: { engine: 'centrifugo', publicUrl: 'https://live.example.org', ...input.gateway },
  });
  return JSON.parse(renderCentrifugoConfig(config, { ...secrets, ...changed }, listen));
}

describe('the configuration of Centrifugo', () => {
  it('verifies both kinds of tokens with our key, and lets nobody in without one', () => {
    const { client } = render();
    expect(client.token).toEqual({ hmac_secret_key: secrets.tokenSecret });
    expect(client.subscription_token).toEqual({ enabled: true, hmac_secret_key: secrets.tokenSecret });
    expect(client.allow_anonymous_connect_without_token).toBe(false);
    expect(client).not.toHaveProperty('insecure');
  });

  it('reads the stream by a durable consumer, with the credentials apart from the URL', () => {
    const [consumer] = render({ bus: { stream: 'TALK' } }).consumers;
    expect(consumer).toEqual({
      name: 'centrifugo_consumer',
      enabled: true,
      type: 'nats_jetstream',
      nats_jetstream: {
        url: 'nats://bus-1:4222,nats://bus-2:4222',
        username: 'conclave',
        password: 'bus-password',
        stream_name: 'TALK',
        subjects: ['events.>'],
        durable_consumer_name: 'centrifugo_consumer',
      },
    });
    const [byToken] = render({ bus: { url: 'tls://bus:4222' } }).consumers;
    expect(byToken.nats_jetstream).toMatchObject({ url: 'tls://bus:4222', token: 'bus-password' });
    expect(byToken.nats_jetstream).not.toHaveProperty('username');
    const [open] = render({ bus: { url: 'nats://bus:4222' } }, { busPassword: undefined }).consumers;
    expect(Object.keys(open.nats_jetstream)).toEqual([
      'url',
      'stream_name',
      'subjects',
      'durable_consumer_name',
    ]);
  });

  it('keeps what nodes share in Redis if there is one, with the credentials apart from the URL', () => {
    expect(render().engine).toEqual({ type: 'memory' });
    const redis = (url: string, changed: Partial<CentrifugoSecrets> = {}) =>
      render({ redis: { url, prefix: 'talk:' } }, changed).engine;
    expect(redis('rediss://conclave@cache:6380/2')).toEqual({
      type: 'redis',
      redis: {
        address: ['rediss://cache:6380/2'],
        user: 'conclave',
        password: 'redis-password',
        prefix: 'talk:centrifugo',
      },
    });
    expect(redis('redis://cache/', { redisPassword: undefined })).toEqual({
      type: 'redis',
      redis: { address: ['redis://cache:6379'], prefix: 'talk:centrifugo' },
    });
  });

  it('keeps histories as the embedded gateway does, in whole seconds, and nobody is present', () => {
    const { channel } = render({ gateway: { historySize: 7, historyTtlMs: 1_500 } });
    const [group, personal] = channel.namespaces;
    expect(group).toMatchObject({ name: 'group', history_size: 7, history_ttl: '2s', force_recovery: true });
    expect(group).not.toHaveProperty('presence');
    expect(group).not.toHaveProperty('allow_publish_for_client');
    expect(personal).toEqual({ name: 'personal' });
  });

  it('allows the pages of this server and those that the settings name', () => {
    const { client } = render({ listen: { allowedOrigins: ['https://other.example.org'] } });
    expect(client.allowed_origins).toEqual(['https://chat.example.org', 'https://other.example.org']);
    expect(render({ publicUrl: null }).client.allowed_origins).toEqual(['http://localhost:8008']);
  });

  it('has the limits and transports of the embedded gateway', () => {
    const document = render({ listen: { maxConnections: 1_234 } });
    expect(document.client).toMatchObject({
      channel_limit: 256,
      queue_max_size: 1_048_576,
      connection_limit: 1_234,
      ping_interval: '25s',
      pong_timeout: '8s',
    });
    expect(document.websocket).toMatchObject({ message_size_limit: 131_072 });
    for (const name of ['sse', 'http_stream', 'uni_sse']) {
      expect([name, document[name].enabled]).toEqual([name, true]);
    }
  });

  it('keeps API, metrics and health apart from clients, and has admin pages only when asked', () => {
    expect(render().http_server).toEqual({
      address: '127.0.0.1',
      port: 8000,
      internal_address: '127.0.0.1',
      internal_port: '9000',
    });
    expect(render()).toMatchObject({ http_api: { key: 'api-key' }, admin: { enabled: false } });
    expect(render({}, { admin: { password: 'p', secret: 's' } }).admin).toEqual({
      enabled: true,
      password: 'p',
      secret: 's',
    });
    expect(render().usage_stats).toEqual({ disabled: true });
  });
});
