import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import { afterEach, expect, it } from 'vitest';
import { createAuthority } from '../../testing/certificates.ts';
import { loadLanguages } from '../languages/languages.ts';
import { createMailer } from './mailer.ts';
import type { Message } from './render-mail.ts';
import { createSmtp } from './smtp.ts';

const ISSUER = 'https://id.example';
const MESSAGE: Message = {
  to: 'alice@example.com',
  language: 'en',
  subject: 'Hello',
  text: 'Text',
  html: '<p>Text</p>',
};

const ends: (() => void)[] = [];
afterEach(() => {
  for (const end of ends.splice(0)) {
    end();
  }
});

interface Received {
  readonly from: string;
  readonly to: readonly string[];
  readonly source: string;
  readonly secure: boolean;
}

/** A mail server that takes everything, unless told otherwise. */
async function startMailServer(options: SMTPServerOptions = {}) {
  const received: Received[] = [];
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    onData(stream, session, done) {
      text(stream).then((source) => {
        const { mailFrom, rcptTo } = session.envelope;
        const from = mailFrom === false ? '' : mailFrom.address;
        received.push({ from, to: rcptTo.map(({ address }) => address), source, secure: session.secure });
        done();
      }, done);
    },
    ...options,
  });
  server.on('error', () => {});
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  ends.push(() => server.close());
  const { port } = server.server.address() as AddressInfo;
  return { received, host: `127.0.0.1:${port}` };
}

function smtpTo(url: string, from = 'no-reply@id.example') {
  const smtp = createSmtp({ url, from, brand: 'Ünited "Bank"', issuer: ISSUER });
  ends.push(smtp.close);
  return smtp;
}

const headersOf = (source: string) => source.split('\r\n\r\n')[0]?.replaceAll(/\r\n\s+/g, ' ') ?? '';
const failure = (responseCode: number) => Object.assign(new Error(`no <alice@example.com>`), { responseCode });

it('delivers text and HTML, with the headers of mail that a program writes', async () => {
  const { received, host } = await startMailServer();
  expect(await smtpTo(`smtp://${host}`).deliver(MESSAGE, 'an-id')).toBe('delivered');
  expect(received).toMatchObject([{ from: 'no-reply@id.example', to: ['alice@example.com'] }]);
  const { source = '' } = received[0] ?? {};
  const headers = headersOf(source);
  expect(headers).toContain('Message-ID: <an-id@id.example>');
  expect(headers).toContain('Auto-Submitted: auto-generated');
  expect(headers).toContain('Content-Language: en');
  expect(headers).toMatch(/^List-ID: <accounts\.id\.example>$/im);
  expect(headers).toMatch(/^From: .*<no-reply@id\.example>$/m);
  expect(headers).toMatch(/^Content-Type: multipart\/alternative/m);
  expect(source).toContain('Content-Type: text/plain');
  expect(source).toContain('Content-Type: text/html');
});

it('takes a sender with a name as it is', async () => {
  const { received, host } = await startMailServer();
  await smtpTo(`smtp://${host}`, 'Support <help@id.example>').deliver(MESSAGE, 'an-id');
  expect(headersOf(received[0]?.source ?? '')).toContain('From: Support <help@id.example>');
});

it('turns to TLS where the server offers it, and checks the certificate', async () => {
  const { key, cert } = await (await createAuthority('mail')).issue({ subject: 'CN=127.0.0.1' });
  const { received, host } = await startMailServer({ key, cert, disabledCommands: [] });
  await expect(smtpTo(`smtp://${host}`).deliver(MESSAGE, 'an-id')).rejects.toThrow(/mail server/);
  expect(received).toEqual([]);
  const trusting = smtpTo(`smtp://${host}?tls.rejectUnauthorized=false`);
  expect(await trusting.deliver(MESSAGE, 'an-id')).toBe('delivered');
  expect(received[0]?.secure).toBe(true);
});

it('signs in with what the URL says', async () => {
  const seen: unknown[] = [];
  const { host } = await startMailServer({
    authOptional: false,
    allowInsecureAuth: true,
    onAuth({ username, password }, _session, done) {
      seen.push([username, password]);
      done(password === 'right' ? null : failure(535), { user: username });
    },
  });
  expect(await smtpTo(`smtp://a%40b:right@${host}`).deliver(MESSAGE, 'an-id')).toBe('delivered');
  expect(seen).toEqual([['a@b', 'right']]);
  await expect(smtpTo(`smtp://a%40b:wrong@${host}`).deliver(MESSAGE, 'an-id')).rejects.toThrow(/EAUTH/);
});

it('throws for what may be taken another time, refuses for good what will not, and names no address in either', async () => {
  let code = 451;
  const { host } = await startMailServer({ onRcptTo: (_address, _session, done) => done(failure(code)) });
  const smtp = smtpTo(`smtp://${host}`);
  const error: Error = await smtp.deliver(MESSAGE, 'an-id').catch((thrown) => thrown);
  expect(error.message).toContain('451');
  expect(`${error.stack} ${JSON.stringify(error)}`).not.toContain('alice');
  code = 550;
  expect(await smtp.deliver(MESSAGE, 'an-id')).toBe('refused');
  await expect(smtpTo('smtp://127.0.0.1:1').deliver(MESSAGE, 'an-id')).rejects.toThrow(/mail server/);
});

it('C94: lets nothing that somebody chose become a header, a recipient or an element', async () => {
  const { received, host } = await startMailServer();
  const smtp = smtpTo(`smtp://${host}`);
  const messages: Message[] = [];
  const mailer = createMailer({
    isAvailable: true,
    languages: loadLanguages(),
    letterhead: { brand: 'Bank', issuer: ISSUER, accentColor: '#0e5a49' },
    keep: async (message) => void messages.push(message),
  });
  const name = 'Eve\r\nBcc: victim@example.com\r\n\r\n<img src=x onerror=alert(1)>';
  await mailer.send({
    to: 'eve,victim@example.com',
    template: 'mail-account.reset-password',
    language: 'en',
    values: { name, duration: '1 hour', link: `${ISSUER}/links/"><script>alert(1)</script>` },
  });
  const [message] = messages;
  expect(message?.text).toContain('Hello Eve Bcc: victim@example.com <img');
  expect(message?.html).not.toMatch(/<(img|script)/);
  for (const subject of ['Hello', 'Hello\r\nBcc: victim@example.com']) {
    await smtp.deliver({ ...(message as Message), subject }, 'an-id').catch(() => {});
  }
  expect(received.length).toBeGreaterThan(0);
  for (const { to, source } of received) {
    expect(to).toHaveLength(1);
    expect(headersOf(source)).not.toMatch(/^Bcc:/im);
  }
});

it('loads nothing and tracks nobody: every link of the HTML is the one that is written there', async () => {
  const messages: Message[] = [];
  const mailer = createMailer({
    isAvailable: true,
    languages: loadLanguages(),
    letterhead: { brand: 'Bank', issuer: ISSUER, accentColor: '#0e5a49' },
    keep: async (message) => void messages.push(message),
  });
  const link = `${ISSUER}/links/token`;
  for (const language of ['en', 'de', 'ja', 'pt-BR'] as const) {
    for (const template of [
      'sign-up',
      'already-there',
      'reset-password',
      'confirm-email',
      'email-changed',
      'invitation',
    ]) {
      const values = { link, email: 'new@example.com', duration: '1 hour' };
      await mailer.send({ to: MESSAGE.to, template: `mail-account.${template}`, language, values });
    }
  }
  for (const { html, text: plain, subject } of messages) {
    expect(html).not.toMatch(/<(img|link|script|iframe)|url\(|@import/i);
    expect([...html.matchAll(/href="([^"]*)"/g)].map(([, href]) => href)).toEqual([link, link]);
    expect(plain).toContain(link);
    expect(subject).not.toBe('');
  }
  expect(messages).toHaveLength(24);
});

it('drops mail where none can be sent', async () => {
  const messages: Message[] = [];
  const letterhead = { brand: 'Bank', issuer: ISSUER, accentColor: '#0e5a49' };
  const keep = async (message: Message) => void messages.push(message);
  const mailer = createMailer({ isAvailable: false, languages: loadLanguages(), letterhead, keep });
  await mailer.send({ to: MESSAGE.to, template: 'mail-account.sign-up', language: 'en', values: { link: ISSUER } });
  expect(messages).toEqual([]);
});
