/** Who talks to whom (RFC 6749 §1.1). The person and their browser are one: what one does, the other sends. */
export const PARTIES = ['browser', 'client', 'authorization-server', 'resource-server'] as const;
export type Party = (typeof PARTIES)[number];

export const PARTY_TITLES: Readonly<Record<Party, { readonly title: string; readonly role: string }>> = {
  browser: { title: 'Browser', role: 'and the person at it' },
  client: { title: 'Client', role: 'this playground' },
  'authorization-server': { title: 'Authorization server', role: 'signs people in, gives tokens' },
  'resource-server': { title: 'Resource API', role: 'takes tokens' },
};

export interface Standard {
  readonly label: string;
  readonly url: string;
}

/** `rfc(6749, '4.1.2')`: a link to the section itself. */
export function rfc(number: number, section?: string): Standard {
  const anchor = section === undefined ? '' : `#section-${section}`;
  const label = section === undefined ? `RFC ${number}` : `RFC ${number} §${section}`;
  return { label, url: `https://www.rfc-editor.org/rfc/rfc${number}.html${anchor}` };
}

/** OpenID Connect Core 1.0; `anchor` is the name that the document gives the section. */
export function core(section: string, anchor: string): Standard {
  return {
    label: `OpenID Connect Core §${section}`,
    url: `https://openid.net/specs/openid-connect-core-1_0.html#${anchor}`,
  };
}
