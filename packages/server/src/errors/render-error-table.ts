/** docs/errors.md, generated from the registry. */
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
    lines.push('', `## ${title}`, '', '| code | status | meaning | remedy |', '|---|---|---|---|');
    for (const [code, { statuses, meaning, remedy }] of Object.entries(codes)) {
      lines.push(`| \`${code}\` | ${statuses.join(', ')} | ${meaning} | ${remedy} |`);
    }
  }
  return `${lines.join('\n')}\n`;
}
