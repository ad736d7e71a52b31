import { element, showStep } from './step-panel.js';

/** What this page sends and receives, as a sequence diagram whose rows open the step. */

const words = await fetch('/words.json').then((response) => response.json());

/** Columns of the diagram: the page is the client, and the playground's server has no part in it. */
const SPANS = { page: '1-1', server: '1-3', api: '1-4' };

/** Sends a request from this page and shows it with its response. `kind`: which words explain it. */
export async function send(kind, url, { method = 'GET', headers = {}, body, attack = false } = {}) {
  const request = {
    kind,
    attack,
    method,
    href: url,
    headers,
    sentBody: body,
    target: url,
    request: renderRequest(new URL(url), { method, headers, body }),
    sent: { ...(headers.authorization && { authorization: headers.authorization }), ...formOf(body) },
  };
  try {
    const response = await fetch(url, { method, headers, body, signal: AbortSignal.timeout(10_000) });
    const text = await response.text();
    const json = parse(text);
    const answered = {
      ...request,
      ok: response.ok,
      status: response.status,
      response: renderResponse(response, text),
      json,
      received: Array.isArray(json) ? undefined : json,
    };
    return add(answered);
  } catch {
    // A browser tells a script neither that nobody listens nor that CORS forbids the answer.
    return add({ ...request, ok: false, response: 'No answer that this page may read.' });
  }
}

/** A step taken by navigating: its response was the browser's alone. */
export function showNavigation(kind, href) {
  const url = new URL(href);
  const parameters = new URLSearchParams(url.hash ? url.hash.slice(1) : url.search);
  add({
    kind,
    method: 'GET',
    href,
    target: url.origin + url.pathname,
    request: renderRequest(url, { method: 'GET', headers: {} }),
    sent: Object.fromEntries(parameters),
    comesBack: kind === 'callback',
  });
}

/** Something that this page did by itself. `sent`: values, `meanings`: sentences to them. */
export const showCheck = (check) => add({ ...check, kind: 'check' });

function add(step) {
  const where = step.kind === 'check' ? 'page' : step.kind === 'api' ? 'api' : 'server';
  const direction = where === 'page' ? 'self' : step.comesBack ? 'left' : 'right';
  const answer = answerOf(step);
  const path = step.request ? `${step.method} ${new URL(step.target).pathname}` : step.title;
  const button = element(
    'button',
    { type: 'button', class: 'drawn' },
    element('span', { class: 'label' }, step.attack ? `⚡ ${path}` : path),
    element('span', { class: 'arrow', 'data-span': SPANS[where], 'data-direction': direction }),
  );
  if (answer) {
    button.append(
      element('span', { class: 'label answer' }, answer),
      element('span', { class: 'arrow back', 'data-span': SPANS[where], 'data-direction': direction }),
    );
  }
  const row = element('li', { class: 'row', 'data-when': 'done', 'data-tone': toneOf(step) }, button);
  const choose = () => {
    document.querySelector('#diagram [data-chosen]')?.removeAttribute('data-chosen');
    row.dataset.chosen = '';
    showStep(step, words);
  };
  button.onclick = choose;
  document.getElementById('diagram').append(row);
  choose();
  step.judge = (verdict) => {
    step.verdict = verdict;
    row.dataset.tone = toneOf(step);
    choose();
  };
  return step;
}

function toneOf({ verdict, status }) {
  if (verdict?.refused !== undefined) {
    return verdict.refused ? 'refused' : 'broken';
  }
  return status >= 400 ? 'error' : 'plain';
}

function answerOf({ status, response, json }) {
  if (status === undefined) {
    return response;
  }
  const came = ['access_token', 'id_token', 'refresh_token'].filter((name) => json?.[name] !== undefined);
  return `${status} ${json?.error ?? came.join(', ')}`.trim();
}

const formOf = (body) => (body === undefined || parse(body) ? {} : Object.fromEntries(new URLSearchParams(body)));

function renderRequest(url, { method, headers, body }) {
  const lines = (text, mark) => `\n  ${mark}${text.slice(1).replaceAll('&', '\n  &')}`;
  const query = (url.search && lines(url.search, '?')) + (url.hash && lines(url.hash, '#'));
  const head = [`${method} ${url.pathname}${query}${query && '\n '} HTTP/1.1`, `host: ${url.host}`];
  head.push(...Object.entries(headers).map(([name, value]) => `${name}: ${value}`));
  return body === undefined ? head.join('\n') : `${head.join('\n')}\n\n${renderBody(String(body))}`;
}

function renderResponse(response, text) {
  const head = [`HTTP/1.1 ${response.status} ${response.statusText}`.trimEnd()];
  head.push(...[...response.headers].map(([name, value]) => `${name}: ${value}`));
  return text ? `${head.join('\n')}\n\n${renderBody(text)}` : head.join('\n');
}

function renderBody(text) {
  const json = parse(text);
  if (json !== undefined) {
    return JSON.stringify(json, null, 2);
  }
  return /^[\w.-]+=\S*$/.test(text) ? text.replaceAll('&', '\n&') : text;
}

function parse(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
