/**
 * The conversation on the screen: which group is shown, what its events look like, what waits to be sent, what is unread
 * elsewhere. Commands act through it. One per process; `run-chat.ts` makes it.
 */
import type {
  Attachment,
  ClientEvents,
  ConclaveClient,
  GroupHandle,
  GroupSummary,
  MemberList,
  Message,
} from '@conclave/sdk';
import { isConclaveError } from '@conclave/sdk';
import type { AccountAccess } from './account-access.ts';
import { ChatError } from './chat-error.ts';
import { explainError } from './explain-error.ts';
import { describeMemberChanges } from './member-changes.ts';
import {
  contentText,
  createNaming,
  dayOf,
  messageLines,
  pendingLine,
  previewLine,
  type MessageView,
} from './message-lines.ts';
import { printableName } from './printable.ts';
import type { Styles } from './styles.ts';
import type { Terminal } from './terminal.ts';
import { modeText, warningText } from './warning-text.ts';

export interface ChatDeps {
  readonly client: ConclaveClient;
  readonly terminal: Terminal;
  readonly styles: Styles;
  readonly account: AccountAccess;
  readonly device: string;
  /** Called when another group is shown: it is the first one at the next start. */
  readonly remember: (groupId: string) => Promise<void>;
}

interface Waiting {
  readonly groupId: string;
  readonly text: string;
  /** Of messages that an earlier run left behind. */
  readonly localId?: string;
}

type GroupEvent = ClientEvents['group'];

const historyOnOpening = 10;
const breakWorthAWordMs = 2_000;

export class Chat {
  readonly client: ConclaveClient;
  readonly terminal: Terminal;
  readonly styles: Styles;
  readonly account: AccountAccess;
  readonly #device: string;
  readonly #remember: ChatDeps['remember'];
  readonly #unread = new Map<string, number>();
  readonly #membersByGroup = new Map<string, MemberList>();
  readonly #nameByGroup = new Map<string, string>();
  readonly #offline = new Set<string>();
  readonly #breakTimers = new Map<string, NodeJS.Timeout>();
  readonly #attachments: Attachment[] = [];
  readonly #waiting: Waiting[] = [];
  /** Own messages that have been shown while something was being sent. */
  readonly #shownOwn = new Set<string>();
  #onShown: (() => void)[] = [];
  #progress: string | undefined;
  #current: string | undefined;
  #lastDay = '';
  #ended = false;
  /** While a removal of ours runs, its warning would repeat the question that follows it. */
  expectDescendants = false;

  constructor(deps: ChatDeps) {
    this.client = deps.client;
    this.terminal = deps.terminal;
    this.styles = deps.styles;
    this.account = deps.account;
    this.#device = deps.device;
    this.#remember = deps.remember;
  }

  /** Begins to follow all groups. */
  async start(): Promise<void> {
    for (const group of await this.client.groups()) this.#note(group.id, group.name);
    this.client.on('group', (event) => this.#take(event));
    this.client.on('join-failed', ({ error }) => this.fail(error));
    this.client.on('preview', (event) => {
      if (event.kind === 'message')
        this.terminal.print(previewLine(event.message, this.styles), { indent: 6 });
    });
  }

  /** The group on the screen. */
  get currentId(): string | undefined {
    return this.#current;
  }

  /** Throws `CHAT_NO_GROUP`, or `REMOVED` of the SDK when this device is a member no more. */
  get group(): GroupHandle {
    if (this.#current === undefined)
      throw new ChatError('CHAT_NO_GROUP', 'No group is open: /create NAME, /join LINK or /switch NAME');
    const handle = this.client.group(this.#current);
    if (handle === undefined)
      throw new ChatError('CHAT_NO_GROUP', 'You are no longer a member of this group');
    return handle;
  }

  unreadOf(groupId: string): number {
    return this.#unread.get(groupId) ?? 0;
  }

  nameOf(groupId: string): string {
    return printableName(this.client.group(groupId)?.name ?? this.#nameByGroup.get(groupId) ?? '');
  }

  attachment(number: number): Attachment | undefined {
    return this.#attachments[number - 1];
  }

  /** A quiet line. */
  say(text: string): void {
    this.terminal.print(this.styles.quiet(text));
  }

  fail(error: unknown): void {
    this.terminal.print(this.styles.error(`! ${explainError(error)}`));
  }

  /** A line beside the prompt while something takes time. */
  setProgress(text: string | undefined): void {
    this.#progress = text;
    this.#showStatus();
  }

  view(groupId: string): MessageView {
    return {
      styles: this.styles,
      device: this.#device,
      nameOf: createNaming(() => this.#membersByGroup.get(groupId)?.members ?? []),
      numberOf: (attachment) => this.#numberOf(attachment),
    };
  }

  async show(groupId: string): Promise<void> {
    this.#current = groupId;
    const handle = this.client.group(groupId);
    if (handle !== undefined) this.#note(groupId, handle.name, handle.members());
    const unread = this.unreadOf(groupId);
    this.#unread.delete(groupId);
    this.#lastDay = '';
    await this.#remember(groupId);
    this.terminal.print(this.styles.strong(this.#headline(groupId, handle)));
    await this.showHistory(Math.max(historyOnOpening, Math.min(unread, 100)));
    this.#showPrompt();
  }

  /** Nothing is shown any more: after the last group was left. */
  showNothing(): void {
    this.#current = undefined;
    this.#showPrompt();
  }

  async showHistory(limit: number): Promise<void> {
    const groupId = this.#current;
    if (groupId === undefined) return;
    const handle = this.client.group(groupId);
    const messages = await (handle?.history({ limit }) ?? this.client.history(groupId, { limit }));
    this.#lastDay = '';
    for (const message of messages) {
      if (message.state === 'sent') this.#printMessage(groupId, message);
      else this.#noteLeftBehind(groupId, message);
    }
    this.#showStatus();
  }

  /** Resolves when the message is on everybody's record and on this screen. */
  async send(text: string): Promise<void> {
    const group = this.group;
    assertMayWrite(group);
    const waiting: Waiting = { groupId: group.id, text };
    this.#waiting.push(waiting);
    this.#showStatus();
    try {
      const { id } = await group.send(text);
      while (!this.#shownOwn.has(id) && !this.#ended && this.client.group(group.id) !== undefined)
        await new Promise<void>((resolve) => this.#onShown.push(resolve));
    } catch (error) {
      // Kept on disk, and sent at the next start.
      if (this.#ended && isConclaveError(error, 'CLIENT_CLOSED')) return;
      throw error;
    } finally {
      this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
      if (this.#waiting.length === 0) this.#shownOwn.clear();
      this.#showStatus();
    }
  }

  /** Groups, living ones first. */
  async groups(): Promise<GroupSummary[]> {
    const groups = await this.client.groups();
    const isOver = ({ status }: GroupSummary): number => (status === 'removed' ? 1 : 0);
    return groups.sort((a, b) => isOver(a) - isOver(b));
  }

  /** Names that completion offers. */
  names(): { readonly groups: string[]; readonly members: string[] } {
    const list = this.#current === undefined ? undefined : this.#membersByGroup.get(this.#current);
    return {
      groups: [...this.#nameByGroup.values()].map((name) => printableName(name)),
      members: (list?.members ?? []).filter(({ isMe }) => !isMe).map(({ name }) => printableName(name)),
    };
  }

  /** The number of messages that wait for the server, after which nothing is shown any more. */
  end(): number {
    this.#ended = true;
    this.terminal.setStatus([]);
    for (const timer of this.#breakTimers.values()) clearTimeout(timer);
    for (const resolve of this.#onShown.splice(0)) resolve();
    return this.#waiting.length;
  }

  #take({ groupId, type, event }: GroupEvent): void {
    if (this.#ended) return;
    const isShown = groupId === this.#current;
    switch (type) {
      case 'message':
        if (event.mine) this.#noteOwn(event.id);
        if (isShown) this.#printMessage(groupId, event);
        else if (!event.mine) this.#countUnread(groupId, event);
        return;
      case 'outgoing':
        if (event.state !== 'pending') this.#forgetLeftBehind(event.localId);
        return;
      case 'members':
        this.#showMemberChanges(groupId, event);
        return;
      case 'mode':
        this.#tell(groupId, modeText(event));
        return;
      case 'renamed':
        this.#tell(groupId, `the group is now called ${printableName(event.name)}`);
        this.#nameByGroup.set(groupId, event.name);
        this.#showPrompt();
        return;
      case 'removed':
        this.terminal.print(this.styles.warning(this.#place(groupId, removalText(event.verified))));
        for (const resolve of this.#onShown.splice(0)) resolve();
        this.#showPrompt();
        return;
      case 'warning': {
        if (event.kind === 'descendants-remain' && this.expectDescendants) return;
        // The prompt says that the connection is gone.
        if (event.kind === 'background-failure' && (event.code === 'NETWORK' || event.code === 'TIMED_OUT'))
          return;
        const { text, isQuiet } = warningText(event, (id) => this.#memberName(groupId, id));
        if (isQuiet) this.#tell(groupId, text);
        else this.terminal.print(this.styles.warning(this.#place(groupId, text)));
        return;
      }
      case 'connection':
        this.#noteConnection(groupId, event.state === 'online');
        return;
      case 'joined':
      case 'epoch':
        // `members` tells who joined; epochs are the machinery's.
        return;
    }
  }

  /** A short break, such as the change of channel after a removal, is not worth a word. */
  #noteConnection(groupId: string, isOnline: boolean): void {
    clearTimeout(this.#breakTimers.get(groupId));
    this.#breakTimers.delete(groupId);
    if (isOnline) {
      if (this.#offline.delete(groupId)) this.#tell(groupId, 'connected again');
    } else if (!this.#offline.has(groupId) && !this.#isOver(groupId)) {
      const announce = (): void => {
        if (this.#ended || this.#isOver(groupId)) return;
        this.#offline.add(groupId);
        this.#tell(groupId, 'the connection is lost; trying again');
        this.#showStatus();
        this.#showPrompt();
      };
      this.#breakTimers.set(groupId, setTimeout(announce, breakWorthAWordMs).unref());
    }
    this.#showStatus();
    this.#showPrompt();
  }

  #isOver(groupId: string): boolean {
    const handle = this.client.group(groupId);
    return handle === undefined || handle.status === 'removed';
  }

  #noteOwn(id: string): void {
    if (this.#waiting.length === 0) return;
    this.#shownOwn.add(id);
    const resolvers = this.#onShown;
    this.#onShown = [];
    for (const resolve of resolvers) resolve();
  }

  #countUnread(groupId: string, message: Message): void {
    const count = this.unreadOf(groupId) + 1;
    this.#unread.set(groupId, count);
    const view = this.view(groupId);
    if (count === 1)
      this.say(
        `— in ${this.nameOf(groupId)}: ${view.nameOf(message.sender)}: ${contentText(message, view).split('\n')[0]}   (/switch ${this.nameOf(groupId)})`,
      );
    this.#showPrompt();
  }

  #showMemberChanges(groupId: string, members: MemberList): void {
    const before = this.#membersByGroup.get(groupId);
    this.#membersByGroup.set(groupId, members);
    if (before === undefined) return;
    const all = { members: [...before.members, ...members.members] };
    const naming = createNaming(() => all.members);
    for (const sentence of describeMemberChanges(before, members, naming)) this.#tell(groupId, sentence);
  }

  /** A quiet line about a group; about others than the shown one only what matters comes through other events. */
  #tell(groupId: string, text: string): void {
    if (groupId === this.#current) this.say(`— ${text}`);
  }

  #place(groupId: string, text: string): string {
    return groupId === this.#current ? `! ${text}` : `! ${this.nameOf(groupId)}: ${text}`;
  }

  #memberName(groupId: string, id: string): string {
    const member = this.#membersByGroup.get(groupId)?.members.find((candidate) => candidate.id === id);
    return member === undefined ? 'somebody who is gone' : this.view(groupId).nameOf(member);
  }

  #printMessage(groupId: string, message: Message): void {
    const day = dayOf(message.sentAtMs);
    if (day !== this.#lastDay) {
      if (this.#lastDay !== '' || day !== dayOf(Date.now())) this.say(`— ${day} —`);
      this.#lastDay = day;
    }
    this.terminal.print(messageLines(message, this.view(groupId)), { indent: 6 });
  }

  #noteLeftBehind(groupId: string, message: Message): void {
    const isKnown = this.#waiting.some(
      ({ localId, text }) =>
        localId === message.id || (message.content.kind === 'text' && text === message.content.text),
    );
    if (isKnown) return;
    const text = contentText(message, this.view(groupId));
    this.#waiting.push({ groupId, text, localId: message.id });
  }

  #forgetLeftBehind(localId: string): void {
    const index = this.#waiting.findIndex((waiting) => waiting.localId === localId);
    if (index === -1) return;
    this.#waiting.splice(index, 1);
    this.#showStatus();
  }

  #numberOf(attachment: Attachment): number {
    const id = Buffer.from(attachment.blobId).toString('hex');
    const known = this.#attachments.findIndex(({ blobId }) => Buffer.from(blobId).toString('hex') === id);
    return known === -1 ? this.#attachments.push(attachment) : known + 1;
  }

  #note(groupId: string, name: string, members = this.client.group(groupId)?.members()): void {
    this.#nameByGroup.set(groupId, name);
    if (members !== undefined) this.#membersByGroup.set(groupId, members);
  }

  #headline(groupId: string, handle: GroupHandle | undefined): string {
    const name = this.nameOf(groupId);
    if (handle === undefined || handle.status === 'removed') return `${name} — you are no longer a member`;
    const { members } = handle.members();
    const people = members.length === 1 ? 'only you' : `${members.length} members`;
    const role = handle.role === undefined ? '' : `, you are ${handle.role}`;
    return `${name} — ${people}${role}`;
  }

  #showPrompt(): void {
    const elsewhere = [...this.#unread.values()].reduce((sum, count) => sum + count, 0);
    const name = this.#current === undefined ? 'conclave' : printableName(this.nameOf(this.#current), 24);
    const state = this.#current === undefined ? '' : this.#stateOf(this.#current);
    this.terminal.setPrompt(`${name}${elsewhere === 0 ? '' : ` +${elsewhere}`}${state}> `);
  }

  #stateOf(groupId: string): string {
    if (this.#isOver(groupId)) return ' (no longer a member)';
    return this.#offline.has(groupId) ? ' (offline)' : '';
  }

  #showStatus(): void {
    if (this.#ended) return;
    const own = this.#waiting.filter(({ groupId }) => groupId === this.#current);
    const online = this.#current === undefined || !this.#offline.has(this.#current);
    this.terminal.setStatus([
      ...own.slice(-5).map(({ text }) => pendingLine(text, online)),
      ...(this.#progress === undefined ? [] : [`  … ${this.#progress}`]),
    ]);
  }
}

/** The group's rules would refuse it later, in words for programmers. */
function assertMayWrite({ role, mode }: GroupHandle): void {
  if (role === 'reader')
    throw new ChatError('CHAT_MAY_NOT_WRITE', 'You are a reader here: you read and do not write');
  if (role === 'member' && mode.minWriter !== 'member')
    throw new ChatError('CHAT_MAY_NOT_WRITE', 'Broadcast is on: only owners and admins write');
}

function removalText(verified: boolean): string {
  return verified
    ? 'you are no longer a member of this group; what you have of it stays readable here'
    : 'the server says that you are no longer a member; the removal itself could not be verified';
}
