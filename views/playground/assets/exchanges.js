/** Sends a request from this page and adds it, with its response, to the conversation on the page. */
export async function send(url, { method = 'GET', headers = {}, body } = {}) {
  const request = {
    from: 'Browser',
    method,
    target: url,
    request: renderRequest(new URL(url), { method, headers, body }),
  };
  try {
    const response = await fetch(url, { method, headers, body, signal: AbortSignal.timeout(10_000) });
    const text = await response.text();
    const answered = {
      ...request,
      ok: response.ok,
      status: response.status,
      response: renderResponse(response, text),
      body: renderBody(text),
      json: parse(text),
    };
    showExchange(answered);
    return answered;
  } catch {
    // A browser tells a script neither that nobody listens nor that CORS forbids the answer.
    const silent = { ...request, ok: false, response: 'No answer that this page may read.' };
    showExchange(silent);
    return silent;
  }
}

/** A step taken by navigating: its response was the browser's alone. */
export function showNavigation(href) {
  const url = new URL(href);
  const request = renderRequest(url, { method: 'GET', headers: {} });
  showExchange({ from: 'Browser', method: 'GET', target: url.origin + url.pathname, request });
}

/** Leaves only what comes next open: a page of everything at once is hard to read. */
export function foldExchanges() {
  for (const details of document.querySelectorAll('[data-testid="exchanges"] details')) {
    details.open = false;
  }
}

function showExchange(exchange) {
  const item = document.getElementById('exchange').content.cloneNode(true);
  const part = (name) => item.querySelector(`[data-part="${name}"]`);
  for (const name of ['method', 'target', 'from', 'request', 'response']) {
    part(name).textContent = exchange[name] ?? '';
  }
  part('status').textContent = exchange.status ?? (exchange.response ? 'no answer' : 'navigation');
  if (exchange.status) {
    part('status').dataset.ok = String(exchange.status < 400);
  }
  part('response-side').hidden = exchange.response === undefined;
  document.querySelector('[data-testid="exchanges"]').append(item);
}

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
