import { parseCommand } from '../../../packages/gateway/src/command-parser.ts';
import { JsonPayload } from '../../../packages/gateway/src/json-payload.ts';
import { jsonCodec } from '../../../packages/gateway/src/wire/json-codec.ts';
import { demand } from '../engine/target.ts';
import type { FuzzTarget } from '../engine/target.ts';

const lines = [
  '{"id":1,"connect":{"token":"a.b.c","subs":{"group:x":{"recover":true,"offset":7,"epoch":"e"}}}}',
  '{"id":2,"subscribe":{"channel":"group:x","token":"t","positioned":true,"recoverable":true,"join_leave":false,"type":1,"flag":3}}',
  '{"id":3,"history":{"channel":"c","limit":-1,"since":{"offset":1,"epoch":"e"},"reverse":true}}',
  '{"id":4,"publish":{"channel":"c","data":{"a":[1,2,{}]}}}\n{"id":5,"unsubscribe":{"channel":"c"}}',
  '{"id":6,"sub_refresh":{"channel":"c","token":"t"}}\n{"id":7,"refresh":{"token":"t"}}\n{"send":{"data":1}}',
  '{"id":8,"presence_stats":{"channel":"c"}}\n{}\n{"id":9,"rpc":{"method":"m"}}\n{"id":10,"ping":{}}',
];

export const target: FuzzTarget = {
  about: 'commands of the gateway in JSON: whatever a socket, stream or page sends',
  format: 'json',
  maxBytes: 64 * 1024,
  runs: 40_000,
  prepare: () => ({
    seeds: lines.map((text) => new TextEncoder().encode(text)),
    check(bytes) {
      const decoded = jsonCodec.decodeCommands(bytes, 16);
      if (!decoded.ok) return;
      demand(decoded.commands.length <= 16, 'a frame holds no more commands than allowed');
      for (const command of decoded.commands) {
        const parsed = parseCommand(command);
        if (parsed.ok && parsed.command.method !== 'pong') {
          const request = (command as Record<string, unknown>)[parsed.command.method];
          demand(
            typeof request === 'object' && request !== null && !Array.isArray(request),
            'a request is an object',
          );
        }
        const payload = JsonPayload.fromValue(command);
        if (payload === undefined) continue;
        demand(!payload.text.includes('\n'), 'a payload fits into one line');
      }
    },
  }),
};
