/** A sealed group as a conversation, by the SDK's public surface. */
import type { GroupHandle, Message } from '@conclave/sdk';
import type { Accepted, Conversation, Heard } from './conversation.ts';

export function sealedConversation(group: GroupHandle): Conversation {
  return {
    group: group.id,
    say: async (text) => acceptedOf(await group.send(text)),
    attach: async (content, text, signal) =>
      acceptedOf(
        await group.attach(new Blob([Uint8Array.from(content)]), {
          name: 'chaos.bin',
          caption: text,
          signal,
        }),
      ),
  };
}

/** Undefined for a message that is still on its way. */
export function heardOf(message: Message, group: () => GroupHandle | undefined): Heard | undefined {
  const { seq, id, content } = message;
  if (seq === undefined) return undefined;
  if (content.kind === 'text') return { seq, id, text: content.text, download: undefined };
  if (content.kind !== 'attachment') return { seq, id, text: `(${content.kind})`, download: undefined };
  const { attachment } = content;
  const download = async (): Promise<Uint8Array> => {
    const handle = group();
    if (handle === undefined)
      throw Object.assign(new Error('not in the group'), { code: 'GROUP_NOT_ACTIVE' });
    return await handle.download(attachment);
  };
  return { seq, id, text: attachment.caption, download };
}

function acceptedOf({ seq, id }: Message): Accepted {
  if (seq === undefined) throw new Error('a message was accepted and has no place');
  return { seq, id };
}
