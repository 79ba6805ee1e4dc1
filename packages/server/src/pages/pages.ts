/**
 * What a person sees who opens this server in a browser: a greeting, and a page for invite links. The secret of an invite
 * stands behind the `#`, which browsers never send; the page shows the command to use it and reads nothing itself, so
 * that looking at a link does not use it up.
 */
import { createHash } from 'node:crypto';
import type { FastifyInstance, FastifyReply } from 'fastify';

const style = `
  :root { color-scheme: light dark; }
  body { font: 17px/1.55 system-ui, sans-serif; max-width: 38rem; margin: 12vh auto; padding: 0 1.25rem; }
  h1 { font-size: 1.6rem; margin-bottom: .4rem; }
  code, pre { font: 15px/1.5 ui-monospace, monospace; }
  pre { padding: .9rem 1rem; border-radius: .5rem; background: color-mix(in srgb, currentColor 8%, transparent);
        white-space: pre-wrap; overflow-wrap: anywhere; user-select: all; }
  .quiet { opacity: .7; font-size: .9em; }
`;

/** Puts the link into the command; without a fragment the page says that the link is cut. */
const script = `
  const whole = location.hash.length > 1;
  document.getElementById('command').textContent = "./conclave chat join '" + location.href + "'";
  document.getElementById(whole ? 'cut' : 'whole').hidden = true;
`;

const invitePage = page(
  'You are invited to a sealed group',
  `<div id="whole">
    <p>Join it from a terminal, on a machine with Conclave:</p>
    <pre id="command">./conclave chat join 'LINK'</pre>
    <p>The link works <strong>once</strong>: whoever uses it first is in. Opening this page does not use it.</p>
    <noscript><p>Replace LINK by the whole link, with everything behind the <code>#</code>.</p></noscript>
  </div>
  <div id="cut"><p>This link is not complete: the part behind the <code>#</code> is missing. Ask for it again.</p></div>
  <p class="quiet">The part behind the <code>#</code> opens the invite. Your browser does not send it to the server.</p>
  <script>${script}</script>`,
);

const greetingPage = page(
  'Conclave is running here',
  `<p>A messenger whose server verifies everything and reads nothing.</p>
  <p>Talk from a terminal, on a machine with Conclave:</p>
  <pre>./conclave chat</pre>`,
);

const contentSecurityPolicy = [
  `default-src 'none'`,
  `style-src '${hashOf(style)}'`,
  `script-src '${hashOf(script)}'`,
  `base-uri 'none'`,
  `form-action 'none'`,
  `frame-ancestors 'none'`,
].join('; ');

export function addPages(app: FastifyInstance): void {
  app.get('/', (_request, reply) => send(reply, greetingPage));
  app.get('/i', (_request, reply) => send(reply, invitePage));
}

function send(reply: FastifyReply, html: string): FastifyReply {
  return reply
    .type('text/html; charset=utf-8')
    .header('content-security-policy', contentSecurityPolicy)
    .header('referrer-policy', 'no-referrer')
    .send(html);
}

function page(title: string, body: string): string {
  return `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="robots" content="noindex">
<title>${title}</title><style>${style}</style></head>
<body><h1>${title}</h1>${body}</body>
</html>
`;
}

function hashOf(text: string): string {
  return `sha256-${createHash('sha256').update(text, 'utf8').digest('base64')}`;
}
