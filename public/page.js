// What pages do in the browser beside the session keeper. Every page works without it.

// How far this clock is from UTC, so that the server groups days and names times as the reader does.
const offset = -new Date().getTimezoneOffset();
const secure = location.protocol === 'https:';
const cookie = `${secure ? '__Host-' : ''}sekisho_offset=${offset}`;
if (!document.cookie.split('; ').includes(cookie)) {
  document.cookie = `${cookie}; Path=/; SameSite=Lax; Max-Age=31536000${secure ? '; Secure' : ''}`;
}

// What was just done is said once: neither a reload nor a tab that comes back says it again.
const said = ['done', 'device', 'signed_out'];
const address = new URL(location.href);
if (said.some((name) => address.searchParams.has(name))) {
  said.forEach((name) => address.searchParams.delete(name));
  history.replaceState(history.state, '', address);
}

// A tab that was sent to the sign-in page goes back when the person signs in in another one.
const next = document.querySelector('form[action="/login"] input[name=next]');
if (next && window.BroadcastChannel) {
  new BroadcastChannel('sekisho').onmessage = ({ data }) => data?.kind === 'alive' && location.replace(next.value || '/');
}

const language = document.documentElement.lang;
const exact = new Intl.DateTimeFormat(language, { dateStyle: 'medium', timeStyle: 'short' });
const relative = new Intl.RelativeTimeFormat(language);

for (const time of document.querySelectorAll('time[data-local], time[data-ago]')) {
  const text = exact.format(new Date(time.dateTime));
  if ('ago' in time.dataset) time.title = text;
  else time.textContent = text;
}

// The server's texts were right when it wrote them; they are touched once they are not.
function age() {
  for (const time of document.querySelectorAll('time[data-ago]')) {
    const minutes = Math.floor((Date.now() - Date.parse(time.dateTime)) / 60000);
    if (minutes < 1 || minutes >= 43200) continue;
    const [count, unit] =
      minutes < 60 ? [minutes, 'minute'] : minutes < 1440 ? [minutes / 60, 'hour'] : [minutes / 1440, 'day'];
    const text = relative.format(-Math.floor(count), unit);
    time.textContent = language === 'ja' ? text.replaceAll(' ', '') : text;
  }
}
setInterval(age, 60000);
addEventListener('pageshow', ({ persisted }) => persisted && age());

// Shows what is typed into a password field.
for (const button of document.querySelectorAll('button.show-password')) button.hidden = false;
addEventListener('click', ({ target }) => {
  const button = target.closest?.('button.show-password');
  if (!button) return;
  const field = document.getElementById(button.getAttribute('aria-controls'));
  const shown = button.getAttribute('aria-pressed') === 'true';
  field.type = shown ? 'password' : 'text';
  // Still a password: the keeper's drafts must not store it.
  field.dataset.secret = '';
  button.setAttribute('aria-pressed', String(!shown));
});

// How strong a password is, by the server: the dictionaries are larger than all the rest.
for (const meter of document.querySelectorAll('.password-meter')) {
  const { input, email, path } = meter.dataset;
  const password = document.getElementById(input);
  const [bar, line] = [meter.querySelector('meter'), meter.querySelector('p')];
  const labels = JSON.parse(meter.dataset.labels);
  let timer, latest = 0;
  const show = (score) => {
    bar.value = score ?? 0;
    line.textContent = labels[score === undefined ? 0 : score + 1];
  };
  const ask = async (number) => {
    if (!password.value) return show();
    const context = [document.getElementById(email)?.value].filter(Boolean);
    const body = JSON.stringify({ password: password.value, context });
    const headers = { 'content-type': 'application/json' };
    const answer = await fetch(path, { method: 'POST', headers, body }).catch(() => undefined);
    const score = answer?.ok ? (await answer.json().catch(() => ({}))).score : undefined;
    // The password has changed meanwhile.
    if (number !== latest) return;
    if (answer?.status === 429 || answer?.status === 503) schedule(2000);
    else show(score);
  };
  const schedule = (pause) => {
    clearTimeout(timer);
    const number = ++latest;
    timer = setTimeout(() => ask(number), pause);
  };
  password.addEventListener('input', () => schedule(400));
  meter.hidden = false;
  show();
}

// Passkeys (W3C WebAuthn Level 3): a button asks for one, or makes one, and its form sends the answer.
const passkeys = globalThis.PublicKeyCredential;
const buttons = passkeys?.parseRequestOptionsFromJSON ? document.querySelectorAll('button.passkey') : [];
let ceremony, asking;

async function present(button, mediation) {
  // A browser allows one request at a time, and autofill is one.
  ceremony?.abort();
  const { signal } = (ceremony = new AbortController());
  const { path, waiting } = button.dataset;
  const request = waiting
    ? { body: JSON.stringify({ waiting }), headers: { 'content-type': 'application/json' } }
    : {};
  const begun = await fetch(path, { method: 'POST', signal, ...request });
  const { code, flow, options } = await begun.json();
  let answer = '';
  // The server asks for a step-up in place of the form's answer.
  if (code !== 'step_up_required') {
    if (!begun.ok) throw new Error(code);
    const credential = path.endsWith('/enrol')
      ? navigator.credentials.create({ signal, publicKey: passkeys.parseCreationOptionsFromJSON(options) })
      : navigator.credentials.get({ signal, mediation, publicKey: passkeys.parseRequestOptionsFromJSON(options) });
    answer = JSON.stringify(await credential);
  }
  const { form } = button;
  form.querySelector('[data-passkey=flow]').value = flow ?? '';
  form.querySelector('[data-passkey=answer]').value = answer;
  // The other fields are not needed. Not by `submit()`, which the keeper of drafts would not hear of.
  form.noValidate = true;
  form.requestSubmit();
}

// Offers passkeys among the suggestions of the address field, until one is chosen or the button is pressed.
async function offer(button) {
  if (!button.dataset.path.endsWith('/sign-in') || !(await passkeys.isConditionalMediationAvailable?.()) || asking) return;
  // Its challenge is replaced before it expires on the server.
  const renewal = setTimeout(offer, 540000, button);
  await present(button, 'conditional').catch(() => {});
  if (asking) clearTimeout(renewal);
}

for (const button of buttons) {
  const status = button.nextElementSibling;
  const [cancelled, exists, failed] = JSON.parse(button.dataset.messages);
  const messages = { NotAllowedError: cancelled, AbortError: cancelled, InvalidStateError: exists };
  button.hidden = false;
  button.addEventListener('click', async () => {
    if (asking) return;
    asking = true;
    status.textContent = '';
    await present(button, 'optional').catch(({ name }) => {
      asking = false;
      status.textContent = messages[name] ?? failed;
      offer(button);
    });
  });
  offer(button);
}

// A passkey is offered after a sign-in, once, in a browser that can make one.
const passkeyOffer = document.getElementById('passkey-offer');
if (passkeyOffer && passkeys?.parseCreationOptionsFromJSON) {
  const [key, { signIn }] = ['sekisho.passkey-offered', passkeyOffer.dataset];
  if (sessionStorage.getItem(key) !== signIn && (await passkeys.isUserVerifyingPlatformAuthenticatorAvailable())) {
    sessionStorage.setItem(key, signIn);
    passkeyOffer.hidden = false;
  }
}
