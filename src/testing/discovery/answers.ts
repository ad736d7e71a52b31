import { createRemoteJWKSet, decodeJwt, jwtVerify } from 'jose';
import { createPkce } from '../relying-party.ts';
import { formOf, UserAgent, type Visit } from '../user-agent.ts';
import type { ListExercise } from './exercise.ts';
import { createParty, type Party, parametersOf, REDIRECT_URI, type World } from './party.ts';

const RESPONSE_TYPES = [
  'code',
  'token',
  'id_token',
  'id_token token',
  'code id_token',
  'code token',
  'code id_token token',
  'none',
  'nonsense',
  'code nonsense',
];

/** Brings exactly what it names, and what it brings is good for something. */
export const responseTypes: ListExercise = {
  others: RESPONSE_TYPES,
  async works(world, response_type) {
    const party = await createParty(world);
    const answer = await party.answer({ response_type });
    const brought = Object.keys(answer).filter((name) => ['code', 'id_token', 'access_token'].includes(name));
    const named = response_type.split(' ').map((word) => (word === 'token' ? 'access_token' : word));
    const { id_token, access_token } = answer;
    if (id_token !== undefined) {
      const keys = createRemoteJWKSet(new URL(String(world.metadata.jwks_uri)));
      await jwtVerify(id_token, keys, { issuer: world.server.issuer, audience: party.clientId });
    }
    if (access_token !== undefined && (await party.introspect(access_token)).body.active !== true) {
      return false;
    }
    return brought.sort().join(' ') === named.sort().join(' ') && answer.iss === world.server.issuer;
  },
};

type Place = 'query' | 'fragment' | 'form';

const PLACES: Readonly<Record<string, Place>> = {
  query: 'query',
  'query.jwt': 'query',
  jwt: 'query',
  fragment: 'fragment',
  'fragment.jwt': 'fragment',
  form_post: 'form',
  'form_post.jwt': 'form',
};

function placeOf(visit: Visit): Place {
  return formOf(visit)?.action === REDIRECT_URI ? 'form' : new URL(visit.url).hash === '' ? 'query' : 'fragment';
}

export const responseModes: ListExercise = {
  others: [...Object.keys(PLACES), 'web_message', 'web_message.jwt', 'nonsense', '__proto__'],
  async works(world, response_mode) {
    const party = await createParty(world);
    const end = await party.visit({ response_mode });
    if (!('url' in end)) {
      return false;
    }
    const { code, response } = parametersOf(end as Visit);
    const isJwt = response_mode.endsWith('jwt');
    const found = isJwt ? decodeJwt(response ?? '').code : code;
    return found !== undefined && placeOf(end as Visit) === PLACES[response_mode];
  },
};

export const scopes: ListExercise = {
  others: ['nonsense', 'admin', 'records:delete'],
  async works(world, scope) {
    const asked = scope === 'openid' ? 'openid' : `openid ${scope}`;
    const party = await createParty(world, { scope: asked });
    return (await party.tokens({ scope: asked, prompt: 'consent' })).scope === asked;
  },
};

const OTHER_CLAIMS = ['nonsense', 'password', 'acr', 'amr'];

/** What the ID token and userinfo say together of a person of whom everything is known, asked for each claim by name too. */
async function everyClaim(world: World): Promise<object> {
  const party = await createParty(world, { backchannel_logout_uri: 'https://party.example.com/signed-out' });
  const { scopes_supported, claims_supported } = world.metadata as Record<string, readonly string[]>;
  const names = [...(claims_supported ?? []), ...OTHER_CLAIMS];
  const asked = JSON.stringify({ id_token: Object.fromEntries(names.map((name) => [name, null])) });
  const scope = (scopes_supported ?? []).join(' ');
  const tokens = await party.tokens({ scope, prompt: 'consent', max_age: '1000', claims: asked });
  return { ...decodeJwt(tokens.id_token), ...(await party.userinfo(tokens)).body };
}

const claimsOf = new WeakMap<World, Promise<object>>();

export const claims: ListExercise = {
  others: OTHER_CLAIMS,
  async works(world, claim) {
    const found = claimsOf.get(world) ?? everyClaim(world);
    claimsOf.set(world, found);
    return claim in (await found);
  },
};

export const subjectTypes: ListExercise = {
  others: ['public', 'pairwise', 'nonsense'],
  async works(world, subject_type) {
    const subjectOf = async (party: Party) => decodeJwt((await party.tokens()).id_token).sub;
    const grants = { grant_types: ['authorization_code'], response_types: ['code'] };
    const usual = await subjectOf(await createParty(world, grants));
    const its = await subjectOf(await createParty(world, { ...grants, subject_type }));
    return (its === usual) === (subject_type === 'public');
  },
};

export const challengeMethods: ListExercise = {
  others: ['S256', 'plain'],
  async works(world, code_challenge_method) {
    const party = await createParty(world);
    const { verifier, challenge } = createPkce();
    const code_challenge = code_challenge_method === 'plain' ? verifier : challenge;
    return (await party.answer({ code_challenge, code_challenge_method })).code;
  },
};

/** Of the type that the demo API declares, one that it accepts: it comes back with the token. */
export const authorizationDetailsTypes: ListExercise = {
  others: ['file_upload', 'nonsense', 'openid_credential'],
  async works(world, type) {
    const party = await createParty(world, { authorization_details_types: [type] });
    const authorization_details = JSON.stringify([{ type, file_name: 'holiday.jpg' }]);
    const tokens = await party.tokens({ scope: 'openid records:read', authorization_details });
    return JSON.stringify((tokens as { authorization_details?: unknown }).authorization_details)?.includes(type);
  },
};

/** OpenID Connect Core §5.6: claims by reference or from elsewhere would come as `_claim_names`. */
export const claimTypes: ListExercise = {
  others: ['normal', 'aggregated', 'distributed'],
  async works(world, type) {
    const party = await createParty(world);
    const { body } = await party.userinfo(await party.tokens({ scope: 'openid email' }));
    return type === 'normal' ? body.email : '_claim_names' in body;
  },
};

/** OpenID Connect Core §3.1.2.1: the page that the client sends the person to speaks it. */
export const uiLocales: ListExercise = {
  others: ['en', 'fr', 'ar', 'zh-Hant', 'nonsense'],
  async works(world, ui_locales) {
    const url = await (await createParty(world)).request({ ui_locales });
    const { html } = await new UserAgent(world.server.issuer).get(String(url));
    return html.includes(`<html lang="${ui_locales}"`);
  },
};
