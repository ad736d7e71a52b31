import { setTimeout as pause } from 'node:timers/promises';
import type { Pool } from 'pg';
import { UserAgent } from './user-agent.ts';

export interface ReadMail {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly links: readonly string[];
}

const LONGEST_WAIT_MS = 5_000;

/** What a development server would have mailed, the newest first, as its mailbox page shows it. */
export async function readMailbox(issuer: string): Promise<ReadMail[]> {
  const { html } = await new UserAgent(issuer).get(`${issuer}/mailbox`);
  return html
    .split('<article')
    .slice(1)
    .map((article) => ({
      to: textOf(article, 'mail-to'),
      subject: textOf(article, 'mail-subject'),
      text: unescaped((article.match(/<p class="letter">(.*?)<\/p>/s)?.[1] ?? '').replaceAll(/<[^>]+>/g, '')),
      links: [...article.matchAll(/href="([^"]*)"[^>]*data-testid="mail-link"/g)].map(([, link = '']) => link),
    }));
}

/** Of those to one address; waits until there are as many as are expected, since they are written after the answer. */
export async function mailsTo(issuer: string, to: string, count: number): Promise<ReadMail[]> {
  const deadline = performance.now() + LONGEST_WAIT_MS;
  for (;;) {
    const mails = (await readMailbox(issuer)).filter((mail) => mail.to === to);
    if (mails.length >= count) {
      return mails;
    }
    if (performance.now() > deadline) {
      throw new Error(`${mails.length} mails to ${to} instead of ${count}`);
    }
    await pause(20);
  }
}

/** Until everything is written that forms have asked for. */
export async function untilMailed(pool: Pool): Promise<void> {
  const waiting = `select from outbox where kind = 'mail-job'`;
  while ((await pool.query(waiting)).rowCount !== 0) {
    await pause(20);
  }
}

/** The link of the newest mail to this address. */
export async function linkMailedTo(issuer: string, to: string, count = 1): Promise<string> {
  const [newest] = await mailsTo(issuer, to, count);
  const link = newest?.links.find((one) => one.includes('/links/'));
  if (link === undefined) {
    throw new Error(`no link in the mail to ${to}: ${newest?.text}`);
  }
  return link;
}

function textOf(html: string, testId: string): string {
  return unescaped(html.match(new RegExp(`data-testid="${testId}">([^<]*)<`))?.[1] ?? '');
}

function unescaped(html: string): string {
  return html.replaceAll(/&#(\d+);/g, (_all, code) => String.fromCodePoint(Number(code))).replaceAll('&amp;', '&');
}
