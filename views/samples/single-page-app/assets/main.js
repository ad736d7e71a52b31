import { whoAmI } from './api.js';
import { guarded, problem, ROUTES, welcome } from './pages.js';
import { element } from './parts.js';
import { onSignedOut, SignedOut, signOut, Unavailable } from './session.js';

const main = document.getElementById('main');
const nav = document.getElementById('nav');
const signOutButton = document.getElementById('sign-out');

/** Who is signed in, once that is known. */
let person;
/** Counts what was asked to be shown, so that a slow page does not overwrite a later one. */
let latest = 0;

/** What the token handler sends people back with when nobody was signed in. */
const NOTICES = {
  denied: 'You did not let this app in. That is fine: nothing was shared.',
  failed: 'You could not be signed in. Nothing was shared; begin again.',
  unknown: 'That sign-in is over: it took too long, or was begun in another browser.',
};

/** The page at the current address. */
async function navigate({ moveFocus = false } = {}) {
  latest += 1;
  const turn = latest;
  main.setAttribute('aria-busy', 'true');
  const page = await pageAt(location.pathname);
  if (turn === latest) {
    show(page);
    if (moveFocus) {
      // Where a new page would begin to be read, too.
      const heading = main.querySelector('h1');
      heading.tabIndex = -1;
      heading.focus();
    }
  }
}

async function pageAt(path) {
  try {
    person ??= await whoAmI();
    const route = ROUTES.find((one) => one.path === path);
    if (!route) {
      return problem('There is no such page', 'The menu has all there are.');
    }
    return mayVisit(route) ? { title: route.title, content: await route.show(person) } : guarded(route);
  } catch (error) {
    return pageAbout(error);
  }
}

function pageAbout(error) {
  if (error instanceof SignedOut) {
    const notice = person ? 'Your session has ended. Sign in to go on.' : takeNotice();
    person = undefined;
    return welcome(notice);
  }
  if (error instanceof Unavailable) {
    return problem('This page cannot go on', error.message || 'A server does not answer. Reload in a moment.');
  }
  throw error;
}

/** Said once: reloading does not repeat it. */
function takeNotice() {
  const outcome = new URLSearchParams(location.search).get('sign-in');
  history.replaceState(null, '', location.pathname);
  // Where there is no TLS, there may be another reason.
  return outcome === 'unknown' && location.protocol === 'http:'
    ? `${NOTICES.unknown} Or this browser keeps no Secure cookies for http://localhost; Safari does not.`
    : NOTICES[outcome];
}

function show({ title, content }) {
  main.replaceChildren(...content);
  main.removeAttribute('aria-busy');
  document.title = `${title} · Sample single-page app`;
  nav.replaceChildren(...ROUTES.filter(mayVisit).map(menuItem));
  signOutButton.hidden = person === undefined;
  signOutButton.disabled = false;
}

/** The menu shows what the roles are good for. That is courtesy; what is to be refused, the API refuses. */
function mayVisit({ roles }) {
  return person !== undefined && (roles === undefined || roles.some((role) => person.roles.includes(role)));
}

function menuItem({ path, title }) {
  const current = location.pathname === path && 'page';
  return element('a', { href: path, 'aria-current': current, 'data-testid': `nav${path.replace('/', '-')}` }, title);
}

document.addEventListener('click', (event) => {
  const link = event.target.closest('a[href^="/"]');
  const isOurs = link && ROUTES.some(({ path }) => path === link.getAttribute('href'));
  if (isOurs && event.button === 0 && !(event.metaKey || event.ctrlKey || event.shiftKey || event.altKey)) {
    event.preventDefault();
    history.pushState(null, '', link.href);
    navigate({ moveFocus: true });
  }
});

addEventListener('popstate', () => navigate({ moveFocus: true }));

/** A page has changed something at the API, or come upon what is not its own to show. */
document.addEventListener('changed', () => navigate());
document.addEventListener('failed', ({ detail }) => show(pageAbout(detail)));

signOutButton.addEventListener('click', async () => {
  signOutButton.disabled = true;
  try {
    const unfinished = await signOut();
    if (unfinished) {
      person = undefined;
      show(welcome(signedOutHere(unfinished)));
    }
  } catch {
    show(problem('You may still be signed in', 'The server of this app did not answer. Sign out again in a moment.'));
  }
});

function signedOutHere({ there }) {
  const words =
    'You are signed out of this app. The authorization server does not answer right now, so this app’s access may not have ended yet. This app keeps trying to end it, for an hour. You are still signed in at that server: sign out there too, once it answers.';
  return there
    ? [`${words} `, element('a', { href: there, 'data-testid': 'sign-out-there' }, 'Sign out there')]
    : words;
}

onSignedOut(() => {
  person = undefined;
  navigate();
});

navigate();
