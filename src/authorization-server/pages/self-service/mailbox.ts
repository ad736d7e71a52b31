import type Router from '@koa/router';
import type { RouterContext } from '@koa/router';
import type { Page } from '../page.ts';

export interface MailboxDeps {
  readonly page: Page;
  /** The newest first. */
  readonly readMailbox: () => Promise<readonly MailboxMessage[]>;
}

export interface MailboxMessage {
  readonly id: string;
  readonly at: Date;
  readonly to: string;
  readonly subject: string;
  readonly text: string;
}

/** `/mailbox`: in development, what would have been mailed. Anybody who gets to this page reads all of it. */
export function mailboxPage({ page, readMailbox }: MailboxDeps) {
  async function show(ctx: RouterContext): Promise<void> {
    const t = page.translate(ctx);
    const time = new Intl.DateTimeFormat(t.language, { dateStyle: 'medium', timeStyle: 'medium' });
    const messages = (await readMailbox()).map((message) => ({
      ...message,
      when: time.format(message.at),
      parts: partsOf(message.text),
    }));
    const title = t('mailbox.title');
    page.render(ctx, 'self-service/mailbox', { messages, path: `${ctx.mountPath}/mailbox` }, { title });
  }
  return { routes: (router: Router) => void router.get('/mailbox', show) };
}

/** The text with its links apart. */
function partsOf(text: string): { text: string; isLink: boolean }[] {
  return text
    .split(/(https?:\/\/\S+)/)
    .filter((part) => part !== '')
    .map((part) => ({ text: part, isLink: /^https?:\/\//.test(part) }));
}
