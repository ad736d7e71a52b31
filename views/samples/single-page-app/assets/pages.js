import { callApi } from './api.js';
import { answer, button, element, hero, run, table } from './parts.js';
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
        element('p', { class: 'muted' }, 'All of it is in ', element('code', {}, 'src/samples/single-page-app'), '.'),
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
          `${title} are shown to: ${roles.join(', ')}. But what a page shows protects nothing. The API does.`,
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
      element('h2', {}, 'The access token of this page'),
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

async function records(person) {
  const { ok, status, body } = await callApi('GET', '/records');
  const list = ok ? recordList(body.records) : answer({ ok, status, body });
  return [
    hero('Records'),
    element('section', { class: 'card' }, list),
    ...(person.roles.some((role) => role !== 'guest') ? [newRecord()] : []),
  ];
}

function recordList(found) {
  if (found.length === 0) {
    return element('p', { class: 'muted', 'data-testid': 'no-records' }, 'There are none yet.');
  }
  const items = found.map(({ title, body }) =>
    element(
      'li',
      { 'data-testid': 'record' },
      element('strong', {}, title),
      body ? element('p', { class: 'muted' }, body) : undefined,
    ),
  );
  return element('ul', { class: 'records' }, items);
}

function newRecord() {
  const place = element('div');
  const title = element('input', {
    required: true,
    maxlength: 200,
    autocomplete: 'off',
    'data-testid': 'record-title',
  });
  const body = element('textarea', { maxlength: 10_000, rows: 3, 'data-testid': 'record-body' });
  const submit = (event) => {
    event.preventDefault();
    run(event.submitter, async () => {
      const saved = await callApi('POST', '/records', { title: title.value, body: body.value });
      if (saved.ok) {
        document.dispatchEvent(new Event('changed'));
      } else {
        place.replaceChildren(answer(saved));
      }
    });
  };
  return element(
    'section',
    { class: 'card' },
    element('h2', {}, 'A new record'),
    element(
      'form',
      { class: 'fields', submit },
      element('label', {}, 'Title ', title),
      element('label', {}, 'Text ', body),
      element('button', { class: 'button primary', 'data-testid': 'record-create' }, 'Save'),
    ),
    place,
  );
}

async function reports() {
  const place = element('div');
  const ask = async () => {
    const { ok, status, body } = await callApi('POST', '/reports/words/run', {});
    place.replaceChildren(ok ? table(body.columns, body.rows) : answer({ ok, status, body }));
  };
  return [
    hero(
      'Reports',
      element('p', { class: 'lead' }, 'To read is one permission and to run something another: the scope reports:run.'),
    ),
    element('section', { class: 'card' }, button('Which words do I use most?', 'run-report', ask), place),
  ];
}

async function owners() {
  const { ok, status, body } = await callApi('GET', '/admin/owners');
  const rows = () => body.owners.map(({ owner, records, blobs }) => [owner.sub ?? owner.client_id, records, blobs]);
  return [
    hero('Owners', element('p', { class: 'lead' }, 'Who keeps how much at the API. It tells administrators only.')),
    element(
      'section',
      { class: 'card' },
      ok ? table(['owner', 'records', 'files'], rows()) : answer({ ok, status, body }),
    ),
  ];
}

const time = (date) => date.toLocaleTimeString();
