import type { Language, Languages, MessageValues } from '../languages/languages.ts';
import { type Letterhead, type Message, renderMail } from './render-mail.ts';

export interface Mail {
  /** An address that canonicalEmail accepts, as its owner wrote it. */
  readonly to: string;
  /** Where its texts are: `mail-account.password-changed` has a `subject`, a `body`, and with a `link` in its values an `action`. */
  readonly template: string;
  readonly language: Language;
  /** For the texts. `name` makes a salutation, and must never be what a stranger chose; `link` is the one thing to do. */
  readonly values?: MessageValues & { readonly name?: string; readonly link?: string };
}

export interface Mailer {
  /** False where no mail server is configured. Whoever offers what only works by mail asks before, and says so. */
  readonly isAvailable: boolean;
  /** Resolves when the mail is kept for delivery. Where none can be sent, it is dropped: a notice, and nobody waits for it. */
  send(mail: Mail): Promise<void>;
}

export interface MailerDeps {
  readonly isAvailable: boolean;
  readonly languages: Languages;
  readonly letterhead: Letterhead;
  /** Resolves when the message is certain to be delivered. */
  readonly keep: (message: Message) => Promise<void>;
}

/** Mail is put into words when it is written, and not when it is delivered: what it says was true then. */
export function createMailer({ isAvailable, languages, letterhead, keep }: MailerDeps): Mailer {
  return {
    isAvailable,
    async send({ to, template, language, values = {} }) {
      if (isAvailable) {
        await keep({ to, ...renderMail(languages(language), letterhead, template, values) });
      }
    },
  };
}
