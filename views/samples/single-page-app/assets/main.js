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

const NOTICES = {
  denied: 'You did not let this app in. That is fine: nothing was shared.',
  failed: 'You could not be signed in. Nothing was shared; begin again.',
  unknown:
    'That sign-in is over: it took too long, was begun in another browser, or this browser keeps no Secure cookies for http://localhost, as Safari does not.',
};

async function show({ moveFocus }) {
  latest += 1;
  const turn = latest;
  main.setAttribute('aria-busy', 'true');
  const page = await contentOf(location.pathname);
  if (turn !== latest) {
    return;
  }
  main.replaceChildren(...page.content);
  main.removeAttribute('aria-busy');
  document.title = `${page.title} · Sample single-page app`;
  showFrame();
  if (moveFocus) {
    // Where a new page would begin to be read, too.
    const heading = main.querySelector('h1');
    heading.tabIndex = -1;
    heading.focus();
  }
}

async function contentOf(path) {
  try {
    person ??= await whoAmI();
    const route = ROUTES.find((one) => one.path === path);
    if (!route) {
      return problem('There is no such page', 'The menu has all there are.');
    }
    const permitted = route.roles.some((role) => person.roles.includes(role));
    return permitted ? { title: route.title, content: await route.show(person) } : guarded(route);
  } catch (error) {
    return pageOf(error);
  }
}

function pageOf(error) {
  if (error instanceof SignedOut) {
    const notice = person ? 'Your session has ended. Sign in to go on.' : takeNotice();
    person = undefined;
    return welcome(notice);
  }
  if (error instanceof Unavailable) {
    return problem('A server does not answer', 'Reload this page in a moment.');
  }
  throw error;
}

/** Said once: reloading does not repeat it. */
function takeNotice() {
  const notice = NOTICES[new URLSearchParams(location.search).get('sign-in')];
  history.replaceState(null, '', location.pathname);
  return notice;
}

/** The menu shows what the roles are good for. That is courtesy; what is refused, the API refuses. */
function showFrame() {
  const routes = ROUTES.filter(({ roles }) => roles.some((role) => person?.roles.includes(role)));
  const linkTo = ({ path, title }) =>
    element(
      'a',
      {
        href: path,
        'aria-current': location.pathname === path && 'page',
        'data-testid': `nav${path.replace('/', '-')}`,
      },
      title,
    );
  nav.replaceChildren(...routes.map(linkTo));
  signOutButton.hidden = person === undefined;
}

document.addEventListener('click', (event) => {
  const link = event.target.closest('a[href^="/"]');
  const isOurs = link && ROUTES.some(({ path }) => path === link.getAttribute('href'));
  if (!isOurs || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) {
    return;
  }
  event.preventDefault();
  history.pushState(null, '', link.href);
  show({ moveFocus: true });
});

addEventListener('popstate', () => show({ moveFocus: true }));

/** A form or a button of a page has done something: the page shows what is now. */
document.addEventListener('changed', () => show({ moveFocus: false }));
document.addEventListener('failed', ({ detail }) => {
  const { title, content } = pageOf(detail);
  main.replaceChildren(...content);
  document.title = title;
  showFrame();
});

signOutButton.addEventListener('click', async () => {
  signOutButton.disabled = true;
  try {
    await signOut();
  } catch {
    person = undefined;
    show({ moveFocus: true });
  }
});

onSignedOut(() => {
  person = undefined;
  show({ moveFocus: false });
});

show({ moveFocus: false });
