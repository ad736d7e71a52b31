import { escapeHtml, type MessageValues, type Translate } from '../languages/languages.ts';

/** What every mail shows of who sends it. */
export interface Letterhead {
  readonly brand: string;
  readonly issuer: string;
  /** Of the button: `#1a5c4b`. */
  readonly accentColor: string;
}

/** A mail in words. */
export interface Message {
  readonly to: string;
  readonly language: string;
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

/**
 * The same words as text and as HTML. The HTML loads nothing: no image, no font, nothing that tells when it was read, and
 * every link goes where it says it does.
 */
export function renderMail(
  t: Translate,
  letterhead: Letterhead,
  template: string,
  given: MessageValues,
): Omit<Message, 'to'> {
  const { brand, issuer } = letterhead;
  const values: MessageValues = { ...onOneLine(given), brand };
  const { name, link } = values;
  const salutation = name === undefined ? t('mail.hello') : t('mail.hello-name', { name });
  const paragraphs = paragraphsOf(t(`${template}.body`, values));
  const action = link === undefined ? undefined : { words: t(`${template}.action`, values), link: String(link) };
  const closing = t.has(`${template}.closing`) ? paragraphsOf(t(`${template}.closing`, values)) : [];
  const footer = t('mail.footer', { brand, host: new URL(issuer).host });
  const text = [
    salutation,
    ...paragraphs,
    ...(action ? [`${action.words}:\n${action.link}`] : []),
    ...closing,
    `-- \n${footer}`,
  ];
  const html = [
    paragraph(salutation),
    ...paragraphs.map(paragraph),
    ...(action ? [button(action, letterhead), paragraph(t('mail.copy-link')), plainLink(action.link)] : []),
    ...closing.map(paragraph),
  ];
  const subject = t(`${template}.subject`, values);
  return {
    language: t.language,
    subject,
    text: `${text.join('\n\n')}\n`,
    html: document(t, { subject, brand, content: html.join('\n'), footer }),
  };
}

/** A line break in a value would begin another paragraph, and look like words of ours. */
function onOneLine(values: MessageValues): MessageValues {
  const cleaned = Object.entries(values).map(([name, value]) => [
    name,
    typeof value === 'string' ? value.replaceAll(/[\p{Cc}\u2028\u2029]+/gu, ' ').trim() : value,
  ]);
  return Object.fromEntries(cleaned);
}

function paragraphsOf(text: string): string[] {
  return text.trim().split(/\n{2,}/);
}

const FONT = "font-family: system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif";

function paragraph(text: string): string {
  return `<p style="margin: 0 0 16px">${escapeHtml(text)}</p>`;
}

function button({ words, link }: { words: string; link: string }, { accentColor }: Letterhead): string {
  const style = `display: inline-block; padding: 12px 22px; border-radius: 8px; background: ${accentColor}; color: #ffffff; font-weight: 600; text-decoration: none`;
  return `<p style="margin: 24px 0"><a href="${escapeHtml(link)}" style="${style}">${escapeHtml(words)}</a></p>`;
}

function plainLink(link: string): string {
  return `<p style="margin: 0 0 16px; font-size: 13px; word-break: break-all"><a href="${escapeHtml(link)}" style="color: inherit">${escapeHtml(link)}</a></p>`;
}

interface Content {
  readonly subject: string;
  readonly brand: string;
  readonly content: string;
  readonly footer: string;
}

function document(t: Translate, { subject, brand, content, footer }: Content): string {
  return `<!doctype html>
<html lang="${t.language}" dir="${t.direction}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>${escapeHtml(subject)}</title>
</head>
<body style="margin: 0; padding: 24px 16px; ${FONT}; font-size: 16px; line-height: 1.5">
<div style="max-width: 520px; margin: 0 auto">
<p style="margin: 0 0 24px; font-size: 18px; font-weight: 700">${escapeHtml(brand)}</p>
${content}
<p style="margin: 32px 0 0; padding-top: 16px; border-top: 1px solid #8884; font-size: 13px; opacity: 0.75">${escapeHtml(footer)}</p>
</div>
</body>
</html>
`;
}
