/** Messages as lines of a terminal. Everything that came from others passes through `printable` here. */
import type { Attachment, Member, Message, PreviewMessage, Sender } from '@conclave/sdk';
import { printable, printableName } from './printable.ts';
import type { Styles } from './styles.ts';

export interface MessageView {
  readonly styles: Styles;
  /** The name to show for a sender, made safe and told apart from others of the same name. */
  readonly nameOf: (sender: Pick<Sender, 'id' | 'name'>) => string;
  /** The number under which `/save` finds an attachment. */
  readonly numberOf: (attachment: Attachment) => number;
  /** This device's name, to tell own messages from other devices. */
  readonly device: string;
}

/** `12:01 Ada: hello`; further lines of the text are indented under the first. */
export function messageLines(message: Message, view: MessageView): string {
  const { styles } = view;
  const time = styles.quiet(clockTime(message.sentAtMs));
  return `${time} ${authorOf(message, view)} ${contentText(message, view)}`;
}

/** A message that was read while joining. Who wrote it is not known yet: the mark stands where the name will, so that no text can. */
export function previewLine({ sentAtMs, content }: PreviewMessage, styles: Styles): string {
  const text =
    content.kind === 'attachment'
      ? `[file] ${fileName(content.attachment)}`
      : contentText({ content }, { numberOf: () => 0 });
  return `${styles.quiet(clockTime(sentAtMs))} ${styles.quiet('(not verified yet):')} ${text}`;
}

export function contentText(
  { content }: Pick<Message, 'content'>,
  view: Pick<MessageView, 'numberOf'>,
): string {
  switch (content.kind) {
    case 'text':
      return printable(content.text).trimEnd().replaceAll('\n', '\n      ');
    case 'attachment': {
      const { attachment } = content;
      const number = view.numberOf(attachment);
      const caption = attachment.caption === '' ? '' : ` ${printableName(attachment.caption, 200)}`;
      return `[file ${number}] ${fileName(attachment)} (${formatBytes(attachment.size)}), /save ${number}${caption}`;
    }
    case 'application':
    default:
      return `[${printableName(content.type)}: a message that this program does not show]`;
  }
}

/** What stands beside a message that the server does not have yet. */
export function pendingLine(text: string, online: boolean): string {
  const first = printable(text).trim().split('\n')[0] ?? '';
  return `  … ${online ? 'sending' : 'waiting for the connection'}: ${first}`;
}

/** `HH:MM` here. */
export function clockTime(ms: number): string {
  const time = new Date(ms);
  return `${twoDigits(time.getHours())}:${twoDigits(time.getMinutes())}`;
}

/** `Saturday, 21 November`, as the person's language has it; with the year when it is another one. */
export function dayOf(ms: number): string {
  return new Date(ms).toLocaleDateString(undefined, {
    weekday: 'long',
    day: 'numeric',
    month: 'long',
    ...(new Date(ms).getFullYear() === new Date().getFullYear() ? {} : { year: 'numeric' }),
  });
}

/** `34 kB`, `1.2 MB`. */
export function formatBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  return `${unit === 0 || value >= 9.95 ? Math.round(value) : value.toFixed(1)} ${units[unit]}`;
}

/** A name that is safe to show and to write to: no folders, no leading dots. */
export function fileName({ name }: Pick<Attachment, 'name'>): string {
  const last = name.split(/[/\\]/).at(-1) ?? '';
  const safe = printableName(last, 120).replace(/^\.+/, '').trim();
  return safe === '' || safe === '(no name)' ? 'file' : safe;
}

/** The first characters of a person's id: they tell apart people who call themselves the same. */
export function shortId(id: string): string {
  return `#${printable(id)
    .replace(/^leaf-/, '')
    .slice(0, 5)}`;
}

/** Names as shown among these members: with the short id where two would look the same. */
export function createNaming(members: () => readonly Member[]): MessageView['nameOf'] {
  return ({ id, name }) => {
    const shown = printableName(name);
    const isShared = members().some(
      (other) => other.id !== id && looksLike(printableName(other.name), shown),
    );
    return isShared ? `${shown} ${shortId(id)}` : shown;
  };
}

function looksLike(a: string, b: string): boolean {
  const plain = (text: string): string => text.normalize('NFKC').toLowerCase().replace(/\s+/g, ' ');
  return plain(a) === plain(b);
}

function authorOf({ mine, sender }: Message, view: MessageView): string {
  if (!mine) return `${view.styles.person(sender.id, view.nameOf(sender))}:`;
  const device = sender.device === view.device ? '' : ` (${printableName(sender.device, 20)})`;
  return `${view.styles.own(`You${device}`)}:`;
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0');
}
