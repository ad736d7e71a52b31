import { callApi } from './api.js';
import { element } from './element.js';
import { accessToken, renewToken, signInAddress, tokenEndsAt } from './session.js';

const EVERYBODY = ['guest', 'user', 'admin'];

/**
 * The pages, and the roles that they are shown to. That is for the eye alone: everybody can read this file and change it in
 * their browser. `ask` is what a page wants from the API, which makes up its own mind.
 */
export const ROUTES = [
  { path: '/', title: 'Home', roles: EVERYBODY, show: home },
  { path: '/records', title: 'Records', roles: EVERYBODY, show: records, ask: ['GET', '/records'] },
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
  return {
    title: 'Welcome',
    content: [
      notice && element('p', { class: 'answer', role: 'status', 'data-testid': 'notice' }, notice),
      hero(
        'Your records, in a page that keeps no secrets',
        element(
          'p',
          { class: 'lead' },
          'Sign in at ',
          element('code', {}, document.body.dataset.issuer),
          ', choose what this app may do, and come back here.',
        ),
        element('a', { class: 'button primary', href: signInAddress(), 'data-testid': 'sign-in' }, 'Sign in'),
      ),
    ].filter(Boolean),
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
        `${title} is not for you`,
        element(
          'p',
          { class: 'lead', 'data-testid': 'guarded' },
          `The menu shows it to: ${roles.join(', ')}. But a menu protects nothing: the API does.`,
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

function table(columns, rows) {
  return element(
    'table',
    { 'data-testid': 'table' },
    element(
      'thead',
      {},
      element(
        'tr',
        {},
        columns.map((name) => element('th', { scope: 'col' }, name)),
      ),
    ),
    element(
      'tbody',
      {},
      rows.map((row) =>
        element(
          'tr',
          {},
          row.map((value) => element('td', {}, String(value))),
        ),
      ),
    ),
  );
}

/** What the API says, in its own words. */
function answer({ ok, status, body }) {
  return element(
    'pre',
    { class: 'answer', role: 'status', tabindex: 0, 'data-ok': String(ok), 'data-testid': 'api-answer' },
    `${status}\n${JSON.stringify(body, null, 2)}`,
  );
}

function hero(title, ...more) {
  return element('div', { class: 'hero' }, element('h1', {}, title), ...more);
}

function button(label, testId, action) {
  return element(
    'button',
    { class: 'button', 'data-testid': testId, click: (event) => run(event.currentTarget, action) },
    label,
  );
}

/** One press at a time; what goes wrong on the way is main.js's to show. */
async function run(pressed, action) {
  pressed.disabled = true;
  try {
    await action();
  } catch (error) {
    document.dispatchEvent(new CustomEvent('failed', { detail: error }));
  } finally {
    pressed.disabled = false;
  }
}

const time = (date) => date.toLocaleTimeString();
