import { callApi } from './api.js';
import { answer, button, element, hero, table } from './parts.js';
import { records } from './records.js';
import { accessToken, renewToken, signInAddress, tokenEndsAt } from './session.js';

/**
 * The pages, and the roles that each is shown to; without any, everybody who is signed in sees it. That is for the eye alone:
 * anybody can read this file, and change it in their browser. `ask` is what a page wants from the API, which decides.
 */
export const ROUTES = [
  { path: '/', title: 'Home', show: home },
  { path: '/records', title: 'Records', roles: ['guest', 'user', 'admin'], show: records, ask: ['GET', '/records'] },
  {
    path: '/reports',
    title: 'Reports',
    roles: ['user', 'admin'],
    show: reports,
    ask: ['POST', '/reports/words/run', {}],
  },
  { path: '/owners', title: 'Owners', roles: ['admin'], show: owners, ask: ['GET', '/admin/owners'] },
];

/** For who is not signed in. */
export function welcome(notice) {
  const issuer = element('code', {}, document.body.dataset.issuer);
  const steps = [
    'The authorization server asks who you are, and what you allow.',
    'You come back with a code, which the server of this app trades for tokens.',
    'It seals the refresh token into a cookie that no script can read, not even this page’s own.',
    'This page asks it for access tokens, keeps the current one in memory, and calls the API with it.',
  ];
  return {
    title: 'Welcome',
    content: [
      ...(notice ? [element('p', { class: 'notice', role: 'status', 'data-testid': 'notice' }, notice)] : []),
      hero(
        'Your records, in a page that keeps no secrets',
        element('p', { class: 'lead' }, 'Sign in at ', issuer, ', choose what this app may do, and come back here.'),
        element('a', { class: 'button primary', href: signInAddress(), 'data-testid': 'sign-in' }, 'Sign in'),
      ),
      element(
        'section',
        { class: 'card' },
        element('h2', {}, 'What happens then'),
        element(
          'ol',
          { class: 'steps' },
          steps.map((step) => element('li', {}, step)),
        ),
        element(
          'p',
          { class: 'muted' },
          'All of it is in ',
          element('code', { class: 'path' }, 'src/samples/single-page-app'),
          '.',
        ),
      ),
    ],
  };
}

export function problem(title, advice) {
  return {
    title,
    content: [
      hero(
        title,
        element('p', { class: 'lead', 'data-testid': 'problem' }, advice),
        element('a', { class: 'button', href: '/' }, 'Home'),
      ),
    ],
  };
}

/** Instead of a page that the roles of the person do not include. */
export function guarded({ title, roles, ask }) {
  const place = element('div');
  const attempt = async () => place.replaceChildren(answer(await callApi(...ask)));
  return {
    title,
    content: [
      hero(
        'This page is not for you',
        element(
          'p',
          { class: 'lead', 'data-testid': 'guarded' },
          `The page “${title}” is for the ${roles.length === 1 ? 'role' : 'roles'} ${roles.join(' and ')}. Leaving a page out protects nothing, though: the API does.`,
        ),
      ),
      element(
        'section',
        { class: 'card' },
        element('h2', {}, 'See for yourself'),
        element('p', { class: 'muted' }, 'This asks the API for what the page would have shown.'),
        button('Ask the API all the same', 'ask-anyway', attempt),
        place,
      ),
    ],
  };
}

async function home(person) {
  await accessToken();
  const ends = element('span', { 'data-testid': 'token-ends' }, time(tokenEndsAt()));
  const renew = async () => {
    await renewToken(await accessToken());
    ends.textContent = time(tokenEndsAt());
  };
  return [
    hero(
      `Hello${person.name ? `, ${person.name}` : ''}`,
      element(
        'p',
        { class: 'muted', 'data-testid': 'person-email' },
        person.email ?? 'You did not tell this app your email address.',
      ),
      element(
        'ul',
        { class: 'tags', 'aria-label': 'Your roles' },
        person.roles.map((role) => element('li', { class: 'tag', 'data-testid': 'role' }, role)),
      ),
    ),
    element(
      'section',
      { class: 'card' },
      element('h2', {}, 'What this app may do'),
      element(
        'ul',
        { class: 'permissions' },
        PERMISSIONS.map((permission) => permissionItem(permission, person.scope.split(' '))),
      ),
    ),
    element(
      'section',
      { class: 'card' },
      element('h2', {}, 'This page’s access token'),
      element(
        'p',
        {},
        'It is in memory, and good until ',
        ends,
        '. Reload, and it is forgotten: the cookie gets another one.',
      ),
      button('Get another one now', 'renew', renew),
    ),
  ];
}

const PERMISSIONS = [
  ['records:read', 'see your records'],
  ['records:write', 'write records for you'],
  ['blobs:read', 'see your files'],
  ['reports:run', 'run reports over your records'],
];

/** Less than was asked for, where the person left something out or their roles do not permit it. */
function permissionItem([scope, words], granted) {
  const isGranted = granted.includes(scope);
  return element(
    'li',
    { 'data-granted': String(isGranted), 'data-scope': scope, 'data-testid': 'permission' },
    element('span', {}, `${isGranted ? 'It may' : 'It may not'} ${words}`),
    element('code', {}, scope),
  );
}

async function reports() {
  const place = element('div');
  const ask = async () => {
    const { ok, status, body } = await callApi('POST', '/reports/words/run', {});
    place.replaceChildren(ok ? words(body) : answer({ ok, status, body }));
  };
  return [
    hero(
      'Reports',
      element(
        'p',
        { class: 'lead' },
        'To read records is one permission, to run something over them is another: ',
        element('code', {}, 'reports:run'),
        '.',
      ),
    ),
    element(
      'section',
      { class: 'card' },
      element('h2', {}, 'Words'),
      element('p', { class: 'muted' }, 'Those that the records use most, and in how many of them they are.'),
      button('Count them', 'run-report', ask),
      place,
    ),
  ];
}

function words({ columns, rows }) {
  return rows.length === 0
    ? element('p', { class: 'muted', role: 'status' }, 'There are no words to count yet.')
    : table(columns, rows);
}

async function owners(person) {
  const { ok, status, body } = await callApi('GET', '/admin/owners');
  const rows = () => body.owners.map(({ owner, records, blobs }) => [ownerCell(owner, person), records, blobs]);
  return [
    hero('Owners', element('p', { class: 'lead' }, 'Who keeps how much at the API. It tells administrators only.')),
    element(
      'section',
      { class: 'card' },
      ok ? table(['owner', 'records', 'files'], rows()) : answer({ ok, status, body }),
    ),
  ];
}

/** The API knows people by their `sub` alone: their names are the authorization server's to tell, each to whom they allow. */
const ownerCell = (owner, { sub }) => (owner.sub === sub ? 'You' : element('code', {}, owner.client_id ?? owner.sub));

const time = (date) => date.toLocaleTimeString();
