/**
 * Text from other people, made safe for a terminal. Names and messages come decrypted from members whom nobody vouches
 * for: an escape sequence in one could repaint the screen, rewrite earlier lines, set the clipboard or hide a sender.
 */

/** C0 and C1 controls, and the Unicode controls that reorder or hide what stands beside them. */
const UNSAFE =
  // oxlint-disable-next-line no-control-regex -- finding control characters is the point
  /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb]/gu;

/** One or more lines of foreign text: line feeds stay, every other control is shown as `·`. */
export function printable(text: string): string {
  return text.replaceAll('\r\n', '\n').replaceAll('\t', '    ').replace(UNSAFE, '·');
}

const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' });

/** A name on one line: at most `max` characters as a person counts them, never empty. */
export function printableName(name: string, max = 40): string {
  const flat = printable(name).replaceAll('\n', ' ').trim();
  if (flat === '') return '(no name)';
  const characters = Array.from(graphemes.segment(flat), (part) => part.segment);
  return characters.length <= max ? flat : `${characters.slice(0, max - 1).join('')}…`;
}
