// Asks for the answer as often as the authorization server wants to be asked. The page works without this, with its button.
const main = document.querySelector('[data-waiting]');

function askIn(seconds) {
  setTimeout(ask, seconds * 1000);
}

async function ask() {
  try {
    const response = await fetch('/device/poll', { method: 'POST', headers: { accept: 'application/json' } });
    const { state, interval } = await response.json();
    if (state === 'done') {
      location.assign('/result');
      return;
    }
    askIn(interval);
  } catch {
    askIn(Number(main.dataset.interval));
  }
}

askIn(Number(main.dataset.interval));
