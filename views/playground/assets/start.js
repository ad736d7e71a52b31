import { begin, Refusal } from './client.js';
import { showProblem } from './result-page.js';

/** The forms of the flows whose client is a script: their fields are the parameters of the request. */
for (const form of document.querySelectorAll('form[data-start]')) {
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    const button = form.querySelector('button');
    button.disabled = true;
    try {
      await begin({ ...form.dataset, ...Object.fromEntries(new FormData(form)) });
    } catch (thrown) {
      if (!(thrown instanceof Refusal)) {
        throw thrown;
      }
      showProblem('start-problem', thrown.problem);
      document.querySelector('[data-testid="start-problem"]').scrollIntoView({ block: 'center' });
    } finally {
      button.disabled = false;
    }
  });
}
