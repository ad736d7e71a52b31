import { begin, Refusal } from './client.js';
import { showProblem } from './result-page.js';

/** The buttons of the grants whose client is a script. */
for (const button of document.querySelectorAll('[data-start]')) {
  button.addEventListener('click', async () => {
    button.disabled = true;
    try {
      await begin(button.dataset);
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
