/** Fills in the section for an answer that belongs to no request of this browser. Everything goes in as text. */

const section = document.querySelector('[data-testid="unasked"]');
const part = (name) => section.querySelector(`[data-part="${name}"]`);

/** `curl` is absent where there is no code to redeem. */
export function showUnasked(parameters, curl) {
  section.hidden = false;
  part('parameters').append(...[...parameters].map(fieldOf));
  if (curl !== undefined) {
    part('redeem').hidden = false;
    part('curl').textContent = curl;
  }
}

function fieldOf([name, value]) {
  const [field, term, detail, code] = ['div', 'dt', 'dd', 'code'].map((tag) => document.createElement(tag));
  field.className = 'field';
  term.textContent = name;
  code.textContent = value;
  code.dataset.testid = `unasked-${name}`;
  detail.append(code);
  field.append(term, detail);
  return field;
}
