/** Rewrites `vectors/attachments.json`: only when the format is meant to change. Run with node. */
import { writeFileSync } from 'node:fs';
import { attachmentVectors } from './attachment-vectors.ts';

const path = new URL('../../../vectors/attachments.json', import.meta.url);
writeFileSync(path, `${JSON.stringify(await attachmentVectors(), undefined, 2)}\n`);
