/**
 * Steps and buttons change the page in place; without this they load it. What leaves for another site is never taken: those
 * forms have no data-swap.
 */
const PARTS = ['run'];

document.addEventListener('click', (event) => {
  const link = event.target.closest('a[data-swap]');
  if (link && !event.metaKey && !event.ctrlKey && !event.shiftKey) {
    event.preventDefault();
    swap(link.href, {}, true);
  }
});

document.addEventListener('submit', (event) => {
  const form = event.target.closest('form[data-swap]');
  if (form) {
    event.preventDefault();
    for (const button of document.querySelectorAll('#run button')) {
      button.disabled = true;
    }
    swap(form.action, { method: 'POST', body: new URLSearchParams(new FormData(form)) }, true);
  }
});

/** `focus`: somebody asked for it, and reads on where the answer is. */
async function swap(url, options, focus) {
  const response = await fetch(url, options).catch(() => undefined);
  if (!response?.ok) {
    location.assign(location.pathname);
    return;
  }
  const next = new DOMParser().parseFromString(await response.text(), 'text/html');
  for (const id of PARTS) {
    document.getElementById(id)?.replaceWith(next.getElementById(id) ?? '');
  }
  history.replaceState(null, '', location.pathname);
  prepare();
  if (focus) {
    const now = document.getElementById('now');
    now.focus({ preventScroll: true });
    now.scrollIntoView({
      block: 'nearest',
      behavior: matchMedia('(prefers-reduced-motion)').matches ? 'auto' : 'smooth',
    });
  }
}

function prepare() {
  for (const button of document.querySelectorAll('[data-copy]')) {
    button.hidden = false;
    button.onclick = async () => {
      await navigator.clipboard.writeText(button.parentElement.querySelector('pre').textContent);
      button.textContent = 'Copied';
    };
  }
  poll();
  countDown();
}

let waiting;

/** Asks as often as the authorization server wants to be asked (RFC 8628 §3.5). */
function poll() {
  clearTimeout(waiting);
  const run = document.getElementById('run');
  if (run?.dataset.poll) {
    const url = `${location.pathname}/actions/poll`;
    waiting = setTimeout(() => swap(url, { method: 'POST' }, false), Number(run.dataset.poll) * 1000);
  }
}

let ticking;

/** An attack that has to wait for something goes on by itself. */
function countDown() {
  clearInterval(ticking);
  const shown = document.querySelector('[data-wait]');
  if (!shown) {
    return;
  }
  const form = shown.parentElement.querySelector('form');
  form.querySelector('button').disabled = true;
  const ends = Date.now() + Number(shown.dataset.wait) * 1000;
  const tick = () => {
    const left = Math.ceil((ends - Date.now()) / 1000);
    shown.querySelector('span').textContent = Math.max(0, left);
    if (left <= 0) {
      clearInterval(ticking);
      swap(form.action, { method: 'POST' }, false);
    }
  };
  ticking = setInterval(tick, 250);
}

prepare();
