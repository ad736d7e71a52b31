// Passkeys: asks the browser for one, or to make one, and sends its answer with the form around the button. Where the browser has
// no passkeys nothing is shown. See views/partials/passkey-form.ejs.

const bytesOf = (text) =>
  Uint8Array.from(atob(text.replaceAll('-', '+').replaceAll('_', '/')), (character) => character.charCodeAt(0));
const textOf = (buffer) =>
  btoa(String.fromCharCode(...new Uint8Array(buffer)))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replace(/=+$/, '');
const withBytes = (list) => list?.map((one) => ({ ...one, id: bytesOf(one.id) }));

// PublicKeyCredential.parse…OptionsFromJSON, for browsers before 2025.
function read(kind, options) {
  const native =
    kind === 'get' ? PublicKeyCredential.parseRequestOptionsFromJSON : PublicKeyCredential.parseCreationOptionsFromJSON;
  if (native) {
    return native.call(PublicKeyCredential, options);
  }
  const challenge = bytesOf(options.challenge);
  return kind === 'get'
    ? { ...options, challenge, allowCredentials: withBytes(options.allowCredentials) }
    : {
        ...options,
        challenge,
        user: { ...options.user, id: bytesOf(options.user.id) },
        excludeCredentials: withBytes(options.excludeCredentials),
      };
}

// PublicKeyCredential.toJSON, likewise.
function write(credential) {
  if (typeof credential.toJSON === 'function') {
    try {
      return JSON.stringify(credential.toJSON());
    } catch {
      // Some password managers hand out a credential of their own making.
    }
  }
  const { id, rawId, type, response } = credential;
  const parts = ['clientDataJSON', 'attestationObject', 'authenticatorData', 'signature', 'userHandle'];
  const answer = parts.filter((part) => response[part]).map((part) => [part, textOf(response[part])]);
  const transports = response.getTransports?.();
  return JSON.stringify({
    id,
    rawId: textOf(rawId),
    type,
    response: { ...Object.fromEntries(answer), ...(transports && { transports }) },
    clientExtensionResults: {},
  });
}

for (const box of document.querySelectorAll('[data-passkey]')) {
  if (window.PublicKeyCredential) {
    start(box);
  }
}

function start(box) {
  const kind = box.dataset.passkey;
  const form = box.querySelector('form');
  const button = box.querySelector('button');
  const problem = box.querySelector('[role="alert"]');
  const options = JSON.parse(box.dataset.options);
  const words = JSON.parse(box.dataset.words);
  let waiting;

  async function ask(mediation) {
    waiting?.abort();
    waiting = new AbortController();
    const request = { publicKey: read(kind, options), signal: waiting.signal, ...(mediation && { mediation }) };
    const credential = await (kind === 'get'
      ? navigator.credentials.get(request)
      : navigator.credentials.create(request));
    form.elements.credential.value = write(credential);
    form.requestSubmit();
  }

  button.addEventListener('click', async () => {
    button.disabled = true;
    problem.hidden = true;
    try {
      await ask();
    } catch (error) {
      button.disabled = false;
      problem.textContent = words[error.name] ?? words.other;
      problem.hidden = error.name === 'AbortError';
      offerAmongTyped();
    }
  });

  // The browser offers passkeys along with what else it knows for the field of the email address.
  async function offerAmongTyped() {
    if (box.dataset.autofill !== undefined && (await PublicKeyCredential.isConditionalMediationAvailable?.())) {
      ask('conditional').catch(() => {});
    }
  }

  addEventListener('pageshow', () => {
    button.disabled = false;
  });
  const missing = box.parentElement.querySelector('[data-passkey-missing]');
  if (missing) {
    missing.hidden = true;
  }
  box.hidden = false;
  // What was removed here the browser need not offer any more.
  if (box.dataset.unknown) {
    PublicKeyCredential.signalUnknownCredential?.({ rpId: options.rpId, credentialId: box.dataset.unknown }).catch(
      () => {},
    );
  }
  if (box.dataset.accepted) {
    const allAcceptedCredentialIds = JSON.parse(box.dataset.accepted);
    const known = { rpId: options.rp.id, userId: options.user.id, allAcceptedCredentialIds };
    PublicKeyCredential.signalAllAcceptedCredentials?.(known).catch(() => {});
  }
  offerAmongTyped();
}
