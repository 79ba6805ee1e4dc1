/** How many columns text takes in a terminal, and cutting it to fit. Good for names and status lines, not for layout of scripts. */
import { stripVTControlCharacters } from 'node:util';

const segmenter = new Intl.Segmenter(undefined, { granularity: 'grapheme' });
/** Characters that terminals draw over two columns. */
const wide =
  /^(?:\p{Emoji_Presentation}|\p{Script=Han}|\p{Script=Hangul}|\p{Script=Hiragana}|\p{Script=Katakana}|[\u3000-\u303f\uff01-\uff60])|\ufe0f/u;

export function displayWidth(text: string): number {
  let width = 0;
  for (const { segment } of segmenter.segment(stripVTControlCharacters(text))) width += widthOf(segment);
  return width;
}

/** At most `columns` wide, with `…` where something was left out. For text without escape sequences. */
export function fitWidth(text: string, columns: number): string {
  if (displayWidth(text) <= columns) return text;
  let fitted = '';
  let width = 0;
  for (const { segment } of segmenter.segment(text)) {
    width += widthOf(segment);
    if (width > columns - 1) break;
    fitted += segment;
  }
  return `${fitted}…`;
}

/**
 * Breaks lines that are too wide at spaces, and indents what follows. A word that is too long, such as a link, stays in one
 * piece, so that it can be selected and opened. Escape sequences may stand in the text.
 */
export function wrapLines(text: string, columns: number, indent: number): string {
  return text
    .split('\n')
    .map((line) => (displayWidth(line) < columns ? line : wrapLine(line, columns, indent)))
    .join('\n');
}

function wrapLine(line: string, columns: number, indent: number): string {
  const rows: string[] = [];
  let row = '';
  let width = 0;
  for (const part of line.split(/(?<=\S)(?= )/)) {
    const partWidth = displayWidth(part);
    if (width > 0 && width + partWidth >= columns) {
      rows.push(row);
      row = ' '.repeat(indent) + part.trimStart();
      width = displayWidth(row);
    } else {
      row += part;
      width += partWidth;
    }
  }
  return [...rows, row].join('\n');
}

export function padWidth(text: string, columns: number): string {
  return text + ' '.repeat(Math.max(0, columns - displayWidth(text)));
}

function widthOf(segment: string): number {
  if (wide.test(segment)) return 2;
  return /^[\p{M}\p{Cf}]+$/u.test(segment) ? 0 : 1;
}
