/** Colours and weights, through Node's `styleText`, which leaves them out on pipes and with NO_COLOR. */
import type { Writable } from 'node:stream';
import { styleText } from 'node:util';

export interface Styles {
  /** One colour per person, the same in every session. */
  person(id: string, text: string): string;
  own(text: string): string;
  quiet(text: string): string;
  warning(text: string): string;
  error(text: string): string;
  strong(text: string): string;
}

const colours = [
  'cyan',
  'green',
  'yellow',
  'magenta',
  'blue',
  'cyanBright',
  'greenBright',
  'magentaBright',
] as const;

export function createStyles(stream: Writable & { isTTY?: boolean }): Styles {
  const style = (format: Parameters<typeof styleText>[0], text: string): string =>
    styleText(format, text, { stream, validateStream: true });
  return {
    person: (id, text) => style(['bold', colours[hash(id) % colours.length] ?? 'cyan'], text),
    own: (text) => style('bold', text),
    quiet: (text) => style('dim', text),
    warning: (text) => style('yellow', text),
    error: (text) => style('red', text),
    strong: (text) => style('bold', text),
  };
}

/** FNV-1a: ids are random already, this only spreads them. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (const byte of Buffer.from(text)) value = Math.imul(value ^ byte, 0x01000193) >>> 0;
  return value;
}
