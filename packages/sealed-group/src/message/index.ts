export type { MemberContent } from './content.ts';
export { maxContentBytes } from './content.ts';
export type { OpenedMessage, OpenMessageInput } from './open-message.ts';
export { openMessage } from './open-message.ts';
export { pad, padme, paddedLength, smallestPadded, unpad } from './padding.ts';
export type { SealMessageInput } from './seal-message.ts';
export { sealMessage } from './seal-message.ts';
