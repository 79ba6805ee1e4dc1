/** docs/errors.md, generated from the registry. */
import { markdownTable } from '../markdown/markdown-table.ts';
import { errorSections } from './error-registry.ts';

export function renderErrorTable(): string {
  const lines = [
    '# Errors',
    '',
    "<!-- Generated from packages/server/src/errors and the features' tables; a test compares it. Do not edit. -->",
    '',
    'Every error is answered as JSON: `{"errcode": "…", "error": "…"}`, with further fields where the table says so.',
    '`errcode` is stable and meant for programs; `error` is for people and may change. An answer with a status of',
    "500 is a bug. `request_id` in an answer is the `requestId` of the server's log lines.",
  ];
  for (const { title, codes } of errorSections) {
    const rows = Object.entries(codes).map(([code, { statuses, meaning, remedy }]) => [
      `\`${code}\``,
      statuses.join(', '),
      meaning,
      remedy,
    ]);
    lines.push('', `## ${title}`, '', ...markdownTable(['code', 'status', 'meaning', 'remedy'], rows));
  }
  return `${lines.join('\n')}\n`;
}
