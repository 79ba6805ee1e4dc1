/** An invite on the screen: the link, its QR code, and what to know before passing it on. */
import QRCode from 'qrcode';
import type { Role } from '@conclave/sdk';
import { clockTime, dayOf } from './message-lines.ts';

export interface InviteLinesInput {
  readonly link: string;
  readonly role: Role;
  readonly expiresAtMs: number;
  readonly reach: 'same' | 'network' | 'local';
  /** Columns of the screen; a code that does not fit is left out. 0: no code at all. */
  readonly columns: number;
}

export async function inviteLines(input: InviteLinesInput): Promise<string> {
  const { link, role, expiresAtMs, reach, columns } = input;
  const code = columns === 0 ? undefined : await qrCode(link, columns);
  return [
    `Invite for one ${role}. Whoever opens this link first takes the place:`,
    '',
    link,
    ...(code === undefined ? [] : ['', code]),
    '',
    [
      `It works once, until ${clockTime(expiresAtMs)} on ${dayOf(expiresAtMs)}. Programs that look at links (previews,`,
      'scanners) use it up: send it over a channel you trust, or let the other device scan the code.',
    ].join(' '),
    'Who has it runs: ./conclave chat join',
    ...(reach === 'network' ? ['The link names this machine’s address in your network.'] : []),
    ...(reach === 'local'
      ? [
          'It works on this machine only, because the server answers at localhost alone. Start it with --listen.host=0.0.0.0 for others.',
        ]
      : []),
  ].join('\n');
}

/** Half blocks, two modules per row, dark on light as scanners want it, whatever the terminal's colours are. */
async function qrCode(text: string, columns: number): Promise<string | undefined> {
  const drawn = await QRCode.toString(text, { type: 'utf8', errorCorrectionLevel: 'L', margin: 2 });
  const rows = drawn.replace(/\n+$/, '').split('\n');
  if (rows.some((row) => row.length > columns)) return undefined;
  return rows.map((row) => `\u001b[30;107m${row}\u001b[0m`).join('\n');
}
