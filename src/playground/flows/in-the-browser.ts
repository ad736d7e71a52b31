/**
 * The grants whose client is a script (views/playground/assets): its answers arrive in a page, and this server sees none of
 * its tokens. So its actions and attacks are the script's, and here is only what the pages say of them.
 */
import type { Action, Arrow, Attack, Flow } from '../flow.ts';
import { core, rfc } from '../parties.ts';
import { scopeOf } from './fields.ts';
import { needsGrant } from './offered.ts';

/** What the page of the script will show. */
const startWith = (afterwards: readonly Arrow[]): Action => ({
  name: 'start',
  title: 'Sign in',
  testid: 'start',
  arrow: { from: 'browser', to: 'authorization-server', label: 'authorization request' },
  afterwards,
  isAvailable: () => true,
  perform: async () => {},
});

const CALL: Arrow = { from: 'browser', to: 'resource-server', label: 'the API call, with the token' };

const PROMPT = {
  name: 'prompt',
  label: 'Prompt',
  options: ['', 'login', 'consent', 'none'],
  initial: () => '',
} as const;

const ALTERED_ACCESS_TOKEN: Attack = {
  name: 'altered-access-token',
  title: 'Alter the access token',
  attack: 'Somebody guesses tokens, or changes one that they hold.',
  rule: 'A resource server takes only what the authorization server vouches for: 401 invalid_token.',
  standard: rfc(6750, '3.1'),
};

const ALTERED_ID_TOKEN: Attack = {
  name: 'altered-id-token',
  title: 'Alter the ID token',
  attack: 'Somebody on the way makes another person of the one who signed in.',
  rule: 'The page checks the signature with the key that the issuer publishes.',
  standard: core('3.1.3.7', 'IDTokenValidation'),
};

const WRONG_NONCE: Attack = {
  name: 'wrong-nonce',
  title: 'Slip in an older ID token',
  attack: 'A genuine ID token of an earlier sign-in is put into this answer.',
  rule: 'The nonce in it is not the one that was made for this request.',
  standard: core('3.2.2.11', 'ImplicitIDTValidation'),
};

export const singlePageApp: Flow = {
  name: 'single-page-app',
  path: '/flows/single-page-app',
  title: 'Authorization code in the browser',
  summary: 'A single-page application without a secret. PKCE proves that the one who asked is the one who redeems.',
  purpose:
    'For applications that are nothing but a page. It has no secret, because everybody can read a page; PKCE stands in for it, and the tokens are held in memory.',
  standards: [rfc(6749, '4.1'), rfc(7636)],
  roles: ['spa'],
  runsIn: 'browser',
  fields: [scopeOf('spa'), PROMPT],
  missing: needsGrant('authorization_code'),
  start: startWith([
    { from: 'authorization-server', to: 'browser', label: 'back with a code' },
    { from: 'browser', to: 'authorization-server', label: 'POST the code and the verifier' },
    CALL,
  ]),
  actions: [],
  story: [],
  breakers: [],
  attacksInBrowser: [
    {
      name: 'replay-code',
      title: 'Replay the code',
      attack: 'The code leaked (a history, a referrer, an extension) and is redeemed once more.',
      rule: 'A code works once, and a second attempt ends the tokens of the first.',
      standard: rfc(6749, '4.1.2'),
    },
    ALTERED_ID_TOKEN,
    WRONG_NONCE,
    ALTERED_ACCESS_TOKEN,
  ],
};

export const implicit: Flow = {
  name: 'implicit',
  path: '/flows/implicit',
  title: 'Implicit',
  summary: 'The tokens arrive in the fragment of the address, without a code and without a second request.',
  purpose:
    'For pages of a time when browsers could not call other origins. The answer itself carries the tokens, behind a # that browsers do not send to servers.',
  standards: [rfc(6749, '4.2'), core('3.2', 'ImplicitFlowAuth')],
  legacy:
    'RFC 9700 says: should not be used. A token in an address ends up in histories, and nothing binds it to the one who asked.',
  roles: ['implicit'],
  runsIn: 'browser',
  fields: [
    {
      name: 'response_type',
      label: 'Response type',
      hint: 'token is plain OAuth 2.0; id_token says who it is; both are bound together by at_hash.',
      options: ['id_token token', 'token', 'id_token'],
      initial: () => 'id_token token',
    },
    scopeOf('implicit', 'An ID token needs openid.'),
    PROMPT,
  ],
  missing: needsGrant('implicit'),
  start: startWith([
    { from: 'authorization-server', to: 'browser', label: 'back, with the tokens behind the #' },
    CALL,
  ]),
  actions: [],
  story: [],
  breakers: [],
  attacksInBrowser: [
    {
      name: 'swapped-access-token',
      title: 'Swap the access token',
      attack:
        'A token that was issued to another client is put into this answer, and the page would work for somebody else.',
      rule: 'at_hash in the ID token is the hash of the access token that it came with.',
      standard: core('3.2.2.9', 'ImplicitTokenValidation'),
    },
    ALTERED_ID_TOKEN,
    WRONG_NONCE,
    ALTERED_ACCESS_TOKEN,
  ],
};
