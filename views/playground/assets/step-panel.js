import { decode } from './client.js';

/** The chosen step of a client that is a script, in the looks of the server's partials/step.ejs. All of it goes in as text. */

export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== undefined) {
      made.setAttribute(name, value);
    }
  }
  made.append(...children.filter((child) => child !== undefined && child !== ''));
  return made;
}

export function showStep(step, words) {
  const { title, text } = words.kinds[step.kind] ?? step;
  const jwts = ['id_token', 'access_token'].flatMap((name) =>
    jwtFacts(name, (step.comesBack ? step.sent : step.received)?.[name], words),
  );
  const received =
    step.kind === 'userinfo' || step.kind === 'api' ? { ...words.members, ...words.claims } : words.members;
  document
    .getElementById('now')
    .replaceChildren(
      element('h2', { 'data-testid': 'step-title' }, title.charAt(0).toUpperCase() + title.slice(1)),
      element('p', { class: 'muted' }, text),
      ...(step.verdict ? [verdictOf(step.verdict)] : []),
      ...(step.request ? messagesOf(step) : []),
      ...fold(
        step.request ? 'What was sent' : 'What it is',
        facts(step.sent, { ...words.parameters, ...step.meanings }),
      ),
      ...fold('What came back', facts(step.received, received)),
      ...jwts,
      ...(step.request ? samplesOf(step) : []),
    );
}

export const verdictOf = ({ refused, text }) =>
  element('p', { class: 'verdict', 'data-refused': String(refused), role: 'status', 'data-testid': 'verdict' }, text);

function messagesOf({ method, target, request, status, response }) {
  const there = element(
    'div',
    { class: 'message' },
    element('h3', {}, element('span', { class: 'target', 'data-testid': 'api-target' }, `${method} ${target}`)),
    element('pre', { tabindex: '0', 'aria-label': 'Request' }, request),
  );
  if (response === undefined) {
    return [there];
  }
  const [head, ...body] = response.split('\n\n');
  const badge = { class: 'status', 'data-testid': 'api-status', 'data-ok': String(status < 400) };
  const back = element(
    'div',
    { class: 'message' },
    element('h3', {}, 'Answer ', element('span', badge, String(status ?? 'none'))),
    element(
      'div',
      { class: 'reply', 'data-testid': 'api-response' },
      element('pre', { tabindex: '0', 'aria-label': 'Answer' }, head),
      body.length > 0
        ? element('pre', { tabindex: '0', 'aria-label': 'Body of the answer' }, body.join('\n\n'))
        : undefined,
    ),
  );
  return [there, back];
}

/** The second one is fetched by who opens it. */
function samplesOf(step) {
  const curl = element('pre', { tabindex: '0', 'data-testid': 'sample-curl' }, curlOf(step));
  const program = element('pre', { tabindex: '0', 'data-testid': 'sample-openid-client' }, '…');
  const [folded] = fold('The same with openid-client', program, false);
  folded.ontoggle = async () => {
    program.textContent = (await (await fetch('/samples.json')).json())[step.kind];
  };
  return [...fold('The same with curl', curl, false), folded];
}

function fold(title, content, open = true) {
  if (content === undefined) {
    return [];
  }
  const summary = element('summary', {}, element('h3', {}, title));
  return [element('details', { class: 'fold', ...(open && { open: '' }) }, summary, content)];
}

function facts(values, words) {
  const known = Object.entries(values ?? {}).filter(([, value]) => value !== undefined);
  if (known.length === 0) {
    return undefined;
  }
  return element('dl', { class: 'facts' }, ...known.map(([name, value]) => fact(name, value, words[name])));
}

function fact(name, value, meaning) {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  const shown = element('code', { class: 'value' }, text);
  const long = element('details', { class: 'long' });
  long.append(
    element(
      'summary',
      {},
      element('code', {}, `${text.slice(0, 60)}…`),
      ' ',
      element('span', { class: 'more' }, 'show all'),
    ),
    element('code', {}, text),
  );
  const detail = element('dd', {}, text.length > 90 ? long : shown, meaning ? element('p', {}, meaning) : undefined);
  return element('div', {}, element('dt', {}, element('code', {}, name)), detail);
}

function jwtFacts(name, token, words) {
  const parts = typeof token === 'string' ? token.split('.') : [];
  if (parts.length !== 3) {
    return [];
  }
  const [header, claims] = parts.slice(0, 2).map((part) => JSON.parse(new TextDecoder().decode(decode(part))));
  return fold(`${name}, decoded`, element('div', {}, facts(header, words.claims), facts(claims, words.claims)));
}

/** Nothing in it can say anything to a shell: single quotes let nothing through. */
function curlOf({ method, href, headers = {}, sentBody }) {
  const quote = (text) => `'${text.replaceAll("'", "'\\''")}'`;
  const lines = [
    `curl -i${method === 'GET' || sentBody ? '' : ` -X ${method}`} ${quote(href)}`,
    ...Object.entries(headers).map(([name, value]) => `-H ${quote(`${name}: ${value}`)}`),
    ...(sentBody ? [`-d ${quote(sentBody)}`] : []),
  ];
  return lines.join(' \\\n  ');
}
