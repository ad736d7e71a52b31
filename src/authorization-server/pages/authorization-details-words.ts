import type { Translate } from '../languages/languages.ts';
import type { AuthorizationDetail } from '../resources/authorization-details.ts';
import type { ResourceServer } from '../resources/resource-server.ts';
import { sentence } from './scope-words.ts';

/** One authorization detail of the consent page (RFC 9396): "This time it asks to ...", and every field of it. */
export interface ReadableDetail {
  readonly type: string;
  readonly words: string;
  /** The resource server's name. */
  readonly at: string | undefined;
  readonly fields: readonly { readonly label: string; readonly value: string }[];
}

/** `parameter` is what the engine has checked and stored. Nothing of it is left out: what is approved has been seen. */
export function readableDetails(
  parameter: unknown,
  resourceServers: readonly ResourceServer[],
  t: Translate,
): ReadableDetail[] {
  const details: AuthorizationDetail[] = typeof parameter === 'string' ? JSON.parse(parameter) : [];
  return details.map((detail) => readable(detail, resourceServers, t));
}

function readable(
  detail: AuthorizationDetail,
  resourceServers: readonly ResourceServer[],
  t: Translate,
): ReadableDetail {
  const { type, locations: _whoseTypeItIs, ...said } = detail;
  const owner = resourceServers.find(({ authorizationDetailsTypes = [] }) =>
    authorizationDetailsTypes.some((one) => one.type === type),
  );
  const declared = owner?.authorizationDetailsTypes?.find((one) => one.type === type);
  const order = declared?.fields.map(({ name }) => name) ?? [];
  const names = [...order.filter((name) => name in said), ...Object.keys(said).filter((name) => !order.includes(name))];
  return {
    type,
    words: sentence(declared?.description ?? t('scopes.unknown', { name: type }), t.language),
    at: owner?.name,
    fields: names.map((name) => ({
      label: declared?.fields.find((field) => field.name === name)?.label ?? name,
      value: wordsOf(said[name], t),
    })),
  };
}

function wordsOf(value: unknown, t: Translate): string {
  if (Array.isArray(value)) {
    return value.map((one) => wordsOf(one, t)).join(', ');
  }
  if (typeof value === 'boolean') {
    return t(value ? 'consent.yes' : 'consent.no');
  }
  return typeof value === 'string' ? value : JSON.stringify(value);
}
