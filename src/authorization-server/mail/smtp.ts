import { createTransport } from 'nodemailer';
import type { Message } from './render-mail.ts';

export interface SmtpSettings {
  /** `smtp://user:password@host:port`, which turns to TLS where the server offers it, or `smtps://`. */
  readonly url: string;
  /** An address, or `Name <address>`. */
  readonly from: string;
  /** Stands before an address that has no name. */
  readonly brand: string;
  readonly issuer: string;
}

export interface Smtp {
  /** `refused` when the server will never take this message. Throws when it may take it another time. */
  deliver(message: Message, id: string): Promise<'delivered' | 'refused'>;
  close(): void;
}

/** Milliseconds. Together well below what a delivery may take (operations/deliveries.ts). */
const TIME_LIMITS = { dnsTimeout: 5_000, connectionTimeout: 10_000, greetingTimeout: 10_000, socketTimeout: 20_000 };

export function createSmtp({ url, from, brand, issuer }: SmtpSettings): Smtp {
  // What a message names is never read from files or fetched: it is all in the message.
  const transport = createTransport({
    url,
    pool: true,
    maxConnections: 2,
    ...TIME_LIMITS,
    disableFileAccess: true,
    disableUrlAccess: true,
  });
  const sender = from.includes('<') ? from : { name: brand, address: from };
  const { hostname } = new URL(issuer);
  return {
    async deliver({ to, language, subject, text, html }, id) {
      try {
        await transport.sendMail({
          from: sender,
          // As an object: a text would be read as a list of addresses.
          to: { name: '', address: to },
          subject,
          text,
          html,
          // The same at every attempt: a mailbox that gets it twice may show it once.
          messageId: `<${id}@${hostname}>`,
          headers: {
            // RFC 3834 §5: no vacation notice, please.
            'Auto-Submitted': 'auto-generated',
            'X-Auto-Response-Suppress': 'All',
            'Content-Language': language,
            // RFC 2919: for filters. Nobody can unsubscribe from what only they can cause.
            'List-Id': `<accounts.${hostname}>`,
          },
        });
        return 'delivered';
      } catch (error) {
        if (isFinal(error)) {
          return 'refused';
        }
        throw new Error(describe(error));
      }
    },
    close: () => transport.close(),
  };
}

interface SmtpError {
  readonly code?: unknown;
  readonly responseCode?: unknown;
}

/**
 * RFC 5321 §4.2.1: 5yz is for ever, about this recipient or this message. A password that is refused is for ever, too, but about
 * us: somebody will correct it.
 */
function isFinal(error: unknown): boolean {
  const { code, responseCode } = error as SmtpError;
  return (code === 'EENVELOPE' || code === 'EMESSAGE') && typeof responseCode === 'number' && responseCode >= 500;
}

/** What the server said often repeats the address, and a log is no place for those. */
function describe(error: unknown): string {
  const { code = 'an unknown error', responseCode } = error as SmtpError;
  return `the mail server did not take a message: ${code}${responseCode === undefined ? '' : ` (${responseCode})`}`;
}
