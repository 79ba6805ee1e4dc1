/** The keys that registering and logging in share: what a client may wish of its session, and what it gets. */
import { z } from 'zod';
import type { OpenedSession } from '../accounts.ts';

export const sessionWishes = z.object({
  device_id: z
    .string()
    .min(1)
    .max(255)
    .regex(/^[\x21-\x7e]+$/, 'expected printable ASCII without spaces')
    .optional(),
  initial_device_display_name: z.string().max(100).optional(),
  refresh_token: z.boolean().optional(),
});

export function sessionAnswer(session: OpenedSession): Record<string, unknown> {
  return {
    user_id: session.userId,
    access_token: session.accessToken,
    device_id: session.deviceId,
    ...(session.refreshToken === undefined
      ? {}
      : { refresh_token: session.refreshToken, expires_in_ms: session.expiresInMs }),
  };
}
