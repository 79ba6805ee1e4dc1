/** A request of the person that cannot be carried out. The message is shown as it is, with the code. */
export type ChatErrorCode =
  | 'CHAT_USAGE'
  | 'CHAT_NO_GROUP'
  | 'CHAT_NO_SUCH_GROUP'
  | 'CHAT_NO_SUCH_MEMBER'
  | 'CHAT_NO_SUCH_ATTACHMENT'
  | 'CHAT_AMBIGUOUS'
  | 'CHAT_MAY_NOT_WRITE'
  | 'CHAT_FILE'
  | 'CHAT_PASSWORDS_DIFFER'
  | 'CHAT_INPUT_ENDED';

export class ChatError extends Error {
  override readonly name = 'ChatError';
  readonly code: ChatErrorCode;

  constructor(code: ChatErrorCode, message: string, options?: ErrorOptions) {
    super(message, options);
    this.code = code;
  }
}
