import { decode, encode, Refusal } from './client.js';
import { showCheck } from './exchanges.js';

/** The attacks that a client in the browser can try: each is done for real, and what comes of it is seen. */

/** Refused with an error status, or let through; a server that broke or has too much to do has said neither. */
export async function refusedByServer(sending) {
  const exchange = await sending;
  const { status, json } = exchange;
  if (!status || status === 429 || status >= 500) {
    const text = `Nothing can be judged by this answer: ${status ?? 'none'}. Try again in a while.`;
    return { step: exchange, verdict: { text } };
  }
  const refused = status >= 400;
  const words = [status, json?.error, json?.error_description && `(${json.error_description})`];
  return {
    step: exchange,
    verdict: {
      refused,
      text: `The server ${refused ? 'refused' : 'did not refuse'}: ${words.filter(Boolean).join(' ')}`,
    },
  };
}

/** The page itself has to stop: `check` throws a Refusal, or would have used what it was given. */
export async function refusedByPage({ title, text, sent, meanings, check }) {
  const step = showCheck({ title, text, sent, meanings, attack: true });
  try {
    await check();
    return { step, verdict: { refused: false, text: 'The page did not refuse: it would have used the answer.' } };
  } catch (thrown) {
    if (!(thrown instanceof Refusal)) {
      throw thrown;
    }
    return { step, verdict: { refused: true, text: `The page refused: ${thrown.problem.errorDescription}` } };
  }
}

/** Another person in the claims, and the old signature. */
export function forge(idToken) {
  const [head, payload, signature] = idToken.split('.');
  const claims = { ...JSON.parse(new TextDecoder().decode(decode(payload))), sub: 'somebody-else' };
  return [head, encode(new TextEncoder().encode(JSON.stringify(claims))), signature].join('.');
}

/** `attempts`: by the name of the attack; those that the answer has nothing for stay away. */
export function prepareAttacks(attempts) {
  for (const button of document.querySelectorAll('[data-attack]')) {
    const attempt = attempts[button.dataset.attack];
    const card = button.closest('li');
    card.hidden = attempt === undefined;
    button.onclick = async () => {
      button.disabled = true;
      const { step, verdict } = await attempt();
      step.judge(verdict);
      const shown = card.querySelector('.verdict');
      shown.hidden = false;
      shown.dataset.refused = String(verdict.refused);
      shown.textContent = verdict.text;
      button.disabled = false;
    };
  }
}
