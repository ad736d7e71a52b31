/** What the pages are made of. */

/** An element of the page. Text is always text: nothing that anybody has written becomes markup. */
export function element(name, properties = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(properties)) {
    if (typeof value === 'function') {
      made.addEventListener(key, value);
    } else if (value !== undefined && value !== false) {
      made.setAttribute(key, value === true ? '' : value);
    }
  }
  made.append(...children.flat().filter((child) => child !== undefined));
  return made;
}

export function table(columns, rows) {
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
          row.map((value) => element('td', {}, value instanceof Node ? value : String(value))),
        ),
      ),
    ),
  );
}

/** What the API says, in its own words. */
export function answer({ ok, status, body }) {
  return element(
    'pre',
    { class: 'answer', role: 'status', tabindex: 0, 'data-ok': String(ok), 'data-testid': 'api-answer' },
    `${status}\n${JSON.stringify(body, null, 2)}`,
  );
}

export function hero(title, ...more) {
  return element('div', { class: 'hero' }, element('h1', {}, title), ...more);
}

export function button(label, testId, action) {
  return element(
    'button',
    { class: 'button', 'data-testid': testId, click: (event) => run(event.currentTarget, action) },
    label,
  );
}

/** One press at a time; what goes wrong on the way is main.js's to show. */
export async function run(pressed, action) {
  pressed.disabled = true;
  try {
    await action();
  } catch (error) {
    document.dispatchEvent(new CustomEvent('failed', { detail: error }));
  } finally {
    pressed.disabled = false;
  }
}
