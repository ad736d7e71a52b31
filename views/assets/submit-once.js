// A double click sends a form once: the browser would drop the answer to the first for the answer to the second. Pages
// work without this too. Who stopped loading, or comes back through the history, may send again.
const AGAIN_AFTER_MS = 3000;
let sent = false;
addEventListener('submit', (event) => {
  if (sent) {
    event.preventDefault();
    return;
  }
  sent = true;
  setTimeout(() => {
    sent = false;
  }, AGAIN_AFTER_MS);
});
addEventListener('pageshow', () => {
  sent = false;
});
