// What helps to choose a password: a look at it, and how strong it is. A page works without this, and what may be chosen
// is decided by the server alone.

for (const box of document.querySelectorAll('[data-reveal]')) {
  const field = box.querySelector('input');
  const button = box.querySelector('button');
  const reveal = (shown) => {
    const { selectionStart, selectionEnd } = field;
    field.type = shown ? 'text' : 'password';
    field.setSelectionRange(selectionStart, selectionEnd);
    const { show, hide, showLabel, hideLabel } = button.dataset;
    button.textContent = shown ? hide : show;
    button.setAttribute('aria-label', shown ? hideLabel : showLabel);
  };
  button.addEventListener('click', () => {
    reveal(field.type === 'password');
    field.focus();
  });
  // Browsers remember what is typed into fields of text.
  field.form?.addEventListener('submit', () => reveal(false));
  addEventListener('pageshow', () => reveal(false));
  button.hidden = false;
}

for (const box of document.querySelectorAll('[data-new-password]')) {
  const field = box.querySelector('[autocomplete="new-password"]');
  const meter = box.querySelector('[data-strength]');
  const status = meter.querySelector('[role="status"]');
  const least = Number(box.dataset.least);
  const about = JSON.parse(box.dataset.about);
  const words = JSON.parse(box.dataset.words);
  let saying;
  // Of an address in the same form, too.
  const subjects = () => [...about, field.form?.elements.email?.value, field.form?.elements.name?.value];
  field.addEventListener('input', () => {
    const have = [...field.value.normalize('NFKC')].length;
    const strength = have < least ? 'short' : strengthOf(field.value, subjects());
    meter.hidden = have === 0;
    meter.dataset.strength = strength;
    // Said once the person pauses, and not at every key.
    clearTimeout(saying);
    saying = setTimeout(
      () => {
        status.textContent = have === 0 ? '' : words[strength].replace('#', String(have));
      },
      status.textContent === '' ? 0 : 400,
    );
  });
}

function strengthOf(password, subjects) {
  const bits = bitsOf(withoutSubjects(password.normalize('NFKC'), subjects));
  return bits < 36 ? 'weak' : bits < 48 ? 'fair' : bits < 64 ? 'good' : 'strong';
}

function withoutSubjects(password, subjects) {
  const parts = subjects.flatMap((subject) => (subject ?? '').toLowerCase().split(/[^\p{L}\p{N}]+/u));
  let text = password;
  for (const part of parts.filter((one) => one.length > 2)) {
    const at = text.toLowerCase().indexOf(part);
    text = at < 0 ? text : text.slice(0, at) + text.slice(at + part.length);
  }
  return text;
}

// A rough measure: letters in a row make words, which are guessed as words; what goes on as it began adds next to nothing.
function bitsOf(text) {
  const period = text.length > 0 ? (text + text).indexOf(text, 1) : 0;
  const once = [...text.slice(0, period)];
  const step = (at) => (once[at]?.codePointAt(0) ?? 0) - (once[at - 1]?.codePointAt(0) ?? 0);
  return once.reduce((bits, one, at) => {
    if (at > 1 && Math.abs(step(at)) < 2 && step(at) === step(at - 1)) {
      return bits;
    }
    const isInWord = /\p{Ll}/u.test(one) && /\p{L}/u.test(once[at - 1] ?? '');
    return bits + (isInWord ? 2 : bitsOfCharacter(one));
  }, 0);
}

function bitsOfCharacter(one) {
  if (/\d/.test(one)) {
    return 3.3;
  }
  // Scripts without capitals have many more characters.
  return /\p{Lo}/u.test(one) ? 8 : 4.8;
}
