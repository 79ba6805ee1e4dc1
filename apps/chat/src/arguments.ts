/** The command line of `conclave chat`. */
import { parseArgs } from 'node:util';

export type StartAction =
  /** Open `group`, or the one used last. */
  | { readonly kind: 'open'; readonly group: string | undefined }
  | { readonly kind: 'create'; readonly group: string | undefined }
  /** Without a link it is asked for, which keeps it out of the shell's history. */
  | { readonly kind: 'join'; readonly link: string | undefined };

export interface ChatArguments {
  readonly action: StartAction;
  readonly server: string | undefined;
  readonly name: string | undefined;
  readonly device: string | undefined;
  readonly dataFolder: string | undefined;
  readonly profile: string | undefined;
  /** Protect a new profile with a passphrase instead of a key file. */
  readonly passphrase: boolean;
  readonly account: string | undefined;
  readonly registrationToken: string | undefined;
  readonly help: boolean;
}

export type ParsedArguments =
  | { readonly ok: true; readonly value: ChatArguments }
  | { readonly ok: false; readonly message: string };

export const usage = `Usage: conclave chat [options] [GROUP]        chat in GROUP, or in the one used last
       conclave chat [options] create [GROUP]  found a group (needs an account at the server)
       conclave chat [options] join [LINK]     join by an invite link (needs no account)

  --name NAME      how others see you (asked for at the first start)
  --device NAME    how others see this device (default: the name of this machine)
  --server URL     where groups are created (default: http://localhost:8008); links bring their own server
  --profile NAME   which of your profiles on this machine (default: --name, or the only one there is)
  --data DIR       keep this profile in DIR instead of $XDG_DATA_HOME/conclave-chat/PROFILE
  --passphrase     protect a new profile with a passphrase instead of a key file beside it
  --account NAME   user name at the server, for \`create\`
  --registration-token TOKEN   register a new account with it, for \`create\`

Inside, /help lists the commands; what does not start with / is sent. On a pipe it reads lines and answers questions
from its input in the same way, prints plain lines, and ends with 0 only if every line worked.
CONCLAVE_CHAT_PASSPHRASE_FILE names a file with the passphrase, CONCLAVE_CHAT_PASSWORD_FILE one with the account's password.
`;

export function parseArguments(args: readonly string[]): ParsedArguments {
  let parsed;
  try {
    parsed = parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        server: { type: 'string' },
        name: { type: 'string' },
        device: { type: 'string' },
        data: { type: 'string' },
        profile: { type: 'string' },
        passphrase: { type: 'boolean' },
        account: { type: 'string' },
        'registration-token': { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    });
  } catch (error) {
    return refuse(error instanceof Error ? error.message : String(error));
  }
  const { values, positionals } = parsed;
  const action = parseAction(positionals);
  if (typeof action === 'string') return refuse(action);
  let server: string | undefined;
  if (values.server !== undefined) {
    server = parseServer(values.server);
    if (server === undefined)
      return refuse(`--server takes an address such as https://chat.example, not ${values.server}`);
  }
  return {
    ok: true,
    value: {
      action,
      server,
      name: values.name,
      device: values.device,
      dataFolder: values.data,
      profile: values.profile,
      passphrase: values.passphrase ?? false,
      account: values.account,
      registrationToken: values['registration-token'],
      help: values.help ?? false,
    },
  };
}

/** `http(s)://host[:port][/path]`; a bare `host:port` is taken for http on this machine and https elsewhere. */
export function parseServer(text: string): string | undefined {
  const trimmed = text.trim();
  const hasScheme = /^[a-z][a-z0-9+.-]*:\/\//i.test(trimmed);
  const url = URL.parse(hasScheme ? trimmed : `${isLocalName(trimmed) ? 'http' : 'https'}://${trimmed}`);
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:')) return undefined;
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') return undefined;
  return url.href.replace(/\/+$/, '');
}

function isLocalName(text: string): boolean {
  return /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:|\/|$)/i.test(text);
}

function parseAction(words: readonly string[]): StartAction | string {
  const [first, second, ...rest] = words;
  const isCommand = first === 'create' || first === 'join';
  if ((isCommand && rest.length > 0) || (!isCommand && second !== undefined))
    return 'too many words: put a name with spaces in quotes';
  if (first === 'create') return { kind: 'create', group: second };
  if (first === 'join') return { kind: 'join', link: second };
  if (first !== undefined && isLink(first)) return { kind: 'join', link: first };
  return { kind: 'open', group: first };
}

export function isLink(text: string): boolean {
  return /^https?:\/\/\S+#\S+$/i.test(text);
}

function refuse(message: string): ParsedArguments {
  return { ok: false, message };
}
