/** The result page of a browser client: everything it shows goes in as text, never as markup. */

export const byTestId = (testId) => document.querySelector(`[data-testid="${testId}"]`);

export function showProblem(testId, problem) {
  const section = byTestId(testId);
  section.hidden = problem === undefined;
  for (const part of ['title', 'error', 'errorDescription', 'advice']) {
    const element = section.querySelector(`[data-part="${part}"]`);
    element.textContent = problem?.[part] ?? '';
    element.hidden = !problem?.[part];
  }
}

/** `done`, `failed` or `unasked`; browser tests wait for it. */
export function settle(state) {
  byTestId('result-waiting').hidden = true;
  byTestId('result-tokens').hidden = state !== 'done';
  byTestId('attacks').hidden = state !== 'done';
  byTestId('conversation').hidden = state === 'unasked';
  byTestId('result').dataset.state = state;
}

export function showGrant({ title, clientId }) {
  byTestId('result-grant').textContent = title;
  byTestId('result-client').textContent = clientId;
}

/** Fields whose value is undefined disappear. */
export function showFields(fields) {
  for (const [name, value] of Object.entries(fields)) {
    document.querySelector(`[data-field="${name}"]`).hidden = value === undefined;
    byTestId(`result-${name}`).textContent = value ?? '';
  }
}

/** One call at a time: what two of them answer could not be told apart. */
export function showActions(available, perform) {
  const buttons = document.querySelectorAll('[data-action]');
  const disable = (disabled) => {
    for (const button of buttons) {
      button.disabled = disabled;
    }
  };
  for (const button of buttons) {
    button.hidden = !available.includes(button.dataset.action);
    button.onclick = async () => {
      disable(true);
      await perform(button.dataset.action);
      disable(false);
      button.focus();
    };
  }
}
