import type { Logger } from 'pino';
import type { Config } from '../../config/schema.ts';
import type { Languages } from '../languages/languages.ts';
import { createMailer, type Mailer } from '../mail/mailer.ts';
import type { Message } from '../mail/render-mail.ts';
import type { DeliveryHandler } from '../operations/deliveries.ts';

/** Of those that nobody delivers, because the mailbox page shows them. */
export const MAILBOX = 'mailbox';

const MAIL = 'mail';

/** Of the pages, in light (views/assets/concierge.css). */
const ACCENT_COLOR = '#0e5a49';

interface MailDeps {
  readonly config: Config;
  readonly languages: Languages;
  readonly enqueue: (kind: string, payload: object) => Promise<void>;
  readonly logger: Logger;
}

export interface MailAssembly {
  readonly mailer: Mailer;
  /** Whether mail is kept for the mailbox page: in development, as long as there is no mail server. */
  readonly keepsMailbox: boolean;
  readonly handlers: Readonly<Record<string, DeliveryHandler>>;
  close(): void;
}

export async function assembleMail({ config, languages, enqueue, logger }: MailDeps): Promise<MailAssembly> {
  const { mail, brand, issuer, mode } = config;
  const keepsMailbox = mail.smtpUrl === null && mode === 'development';
  const mailer = createMailer({
    isAvailable: mail.smtpUrl !== null || keepsMailbox,
    languages,
    letterhead: { brand: brand.name, issuer, accentColor: brand.accentColor ?? ACCENT_COLOR },
    keep: (message) => enqueue(keepsMailbox ? MAILBOX : MAIL, message),
  });
  if (mail.smtpUrl === null) {
    if (!keepsMailbox) {
      logger.warn(
        'no mail server: set CONCIERGE_SMTP_URL, or nobody can register, reset a password or change an email',
      );
    }
    return { mailer, keepsMailbox, handlers: {}, close() {} };
  }
  const { createSmtp } = await import('../mail/smtp.ts'); // Not loaded where nothing is sent.
  const smtp = createSmtp({ url: mail.smtpUrl, from: mail.from, brand: brand.name, issuer });
  return {
    mailer,
    keepsMailbox,
    handlers: { [MAIL]: { deliver: (payload, { id }) => smtp.deliver(payload as Message, id) } },
    close: smtp.close,
  };
}
