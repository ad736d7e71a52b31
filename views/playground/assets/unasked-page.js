import { showUnasked } from './unasked.js';

/** The server has shown what was in the query; what is in the fragment never reached it. */
if (location.hash) {
  showUnasked(new URLSearchParams(location.hash.slice(1)));
}
