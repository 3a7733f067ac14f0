// Verifies Sekisho's access tokens wherever there is `fetch` and Web Crypto: Cloudflare Workers, Vercel's Edge, Deno,
// Bun, Node. No request to Sekisho per token; an ended session is refused all the same, by the list that is polled. It
// fails closed: without news of ended sessions for `staleAfter`, nobody is let in. Refuses to take a key from a token,
// and to follow a redirect. Types and the documentation of each option: verifier.d.ts.

const SECOND = 1_000;
/** An issuer that is silent for longer doesn't answer any more. */
const TIMEOUT = 5 * SECOND;
/** An unknown `kid` makes the keys be read again, at most this often: it is hostile input (RFC 8725, section 3.10). */
const RELOAD_KEYS_EVERY = 3 * SECOND;
const REFRESH_KEYS_AFTER = 300 * SECOND;
const RETRY_LIST_AFTER = 1 * SECOND;
const SAVE_LIST_EVERY = 60 * SECOND;
/** Ended sessions in one answer; with as many, there are more. */
const PAGE = 1_000;
const MAX_TOKEN = 16 * 1_024;
const MAX_DEPTH = 100;
/** Redirects of one page within a time (s): somebody who comes back again and again without a token is in a loop. */
const MAX_REDIRECTS = 5;
const REDIRECTS_WITHIN = 30;
const REDIRECTS = 'sekisho-redirects';

/** By `alg`: no other one is accepted (RFC 8725, section 3.1). */
const ALGORITHMS = new Map([
  ['EdDSA', { name: 'Ed25519' }],
  ['ES256', { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }],
  ['RS256', { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' }],
]);

/** The server's own answers: status, title and detail (RFC 9457), and the challenge (RFC 6750, section 3). */
const INVALID = 'Bearer error="invalid_token"';
const PROBLEMS = {
  unauthenticated: [401, 'Unauthorized', 'This needs an access token.', 'Bearer'],
  invalid_token: [401, 'Unauthorized', 'The access token is not valid, or has expired.', INVALID],
  session_revoked: [401, 'Unauthorized', 'This session has ended. Sign in again.', INVALID],
  insufficient_scope: [403, 'Forbidden', 'The access token does not allow this.'],
  cross_origin: [403, 'Forbidden', 'The request came from another site and was refused.'],
  verifier_stale: [503, 'Service Unavailable', 'The sign-in server is out of reach. Try again soon.'],
};

/** Why a request is not let in. `code` is the server's own; `reason` says why a session ended. */
export class Rejected extends Error {
  constructor(code, { reason, scope } = {}) {
    super(code);
    Object.assign(this, { name: 'Rejected', code, status: PROBLEMS[code][0], reason, scope });
  }

  toResponse() {
    const { code, status, reason, scope } = this;
    const [, title, detail, challenge] = PROBLEMS[code];
    const headers = new Headers({ 'content-type': 'application/problem+json', 'cache-control': 'no-store' });
    if (challenge) headers.set('www-authenticate', challenge);
    if (scope) headers.set('www-authenticate', `Bearer error="insufficient_scope", scope="${scope}"`);
    if (status === 503) headers.set('retry-after', '5');
    const body = { type: 'about:blank', title, status, detail, code, reason };
    return new Response(JSON.stringify(body), { status, headers });
  }
}

export class Verifier {
  #url;
  #issuer;
  #audience;
  #serviceSecret;
  #maxAge;
  #staleAfter;
  #clockTolerance;
  #storage;
  #restored = false;
  #savedAt = -Infinity;
  #cookie;
  #signIn;
  #login;
  #keys = new Shared('the keys', () => this.#fetchKeys());
  #list = new Shared('ended sessions', (list, progress) => this.#fetchList(list, progress));

  constructor(options) {
    const { url, audience, serviceSecret, storage, cookie, signIn, login = '/login' } = options;
    const { maxAge = 1, staleAfter = 30, clockTolerance = 5 } = options;
    if (!/^https?:\/\//.test(url)) throw new TypeError('url: not an http or https URL');
    if (!audience) throw new TypeError('audience: a service has a name');
    // An error of `fetch` would show it.
    const sendable = !serviceSecret || /^[!-~]+$/.test(serviceSecret);
    if (!sendable) throw new TypeError('serviceSecret: must be ASCII without blanks');
    // `NaN` would make every comparison below false, and nothing ever stale.
    if (!(maxAge >= 0 && staleAfter >= maxAge && staleAfter < Infinity)) {
      throw new TypeError('staleAfter: seconds, at least maxAge');
    }
    // The issuer remembers an ended session for 60 s longer than a token lives.
    if (!(clockTolerance >= 0 && clockTolerance <= 60)) throw new TypeError('clockTolerance: 0 to 60 seconds');
    if (cookie && !/^[\w.-]+$/.test(cookie)) throw new TypeError('cookie: not the name of one');
    if (signIn && !cookie) throw new TypeError('signIn: where would the token of somebody who comes back be?');
    for (const path of [signIn, login]) {
      const isPath = !path || (localPath(path) === path && !/[?#]/.test(path));
      if (!isPath) throw new TypeError(`${path}: not a path of this origin`);
    }
    this.#url = url.replace(/\/+$/, '');
    this.#issuer = options.issuer || this.#url;
    [this.#audience, this.#serviceSecret, this.#storage] = [audience, serviceSecret, storage];
    [this.#maxAge, this.#staleAfter, this.#clockTolerance] = [maxAge * SECOND, staleAfter * SECOND, clockTolerance];
    [this.#cookie, this.#signIn, this.#login] = [cookie, signIn, login];
  }

  /** The claims of a token that holds, at this moment; throws `Rejected` if it does not. */
  async verify(token, { waitUntil } = {}) {
    const { header, claims, message, signature } = read(token);
    await Promise.all([this.#expectKey(header.kid, waitUntil), this.#expectList(waitUntil)]);
    const list = this.#list.value;
    if (list?.withdrawn.has(header.kid)) throw new Rejected('invalid_token');
    const key = this.#keys.value?.get(header.kid);
    // Without an answer nobody knows whether it is forged: a 401 would make an honest client throw its token away.
    if (!key) throw new Rejected(this.#keys.failed || !this.#keys.value ? 'verifier_stale' : 'invalid_token');
    const holds = crypto.subtle.verify(key.algorithm, key.key, signature, message).catch(() => false);
    if (header.alg !== key.alg || !(await holds)) throw new Rejected('invalid_token');
    if (claims.iss !== this.#issuer || claims.aud !== this.#audience) throw new Rejected('invalid_token');
    const reason = list?.ended.get(claims.sid);
    if (reason !== undefined) throw new Rejected('session_revoked', { reason });
    const [now, tolerance] = [Math.floor(Date.now() / SECOND), this.#clockTolerance];
    const { iat, exp, nbf = iat } = claims;
    const runs = iat <= now + tolerance && nbf <= now + tolerance && now < exp + tolerance;
    if (!runs) throw new Rejected('invalid_token');
    if (this.#list.age > this.#staleAfter) throw new Rejected('verifier_stale');
    // The end of a session that made so old a token may be forgotten by now, also if the clock here is late.
    if (now + tolerance >= iat + list.retainFor / SECOND) throw new Rejected('invalid_token');
    return claims;
  }

  /** The claims of a request's token: that of its header, or else of the page's cookie; throws `Rejected`. */
  async authenticate(request, { scope, waitUntil } = {}) {
    const claims = await this.verify(this.#token(request), { waitUntil });
    if (scope && !claims.scope.split(' ').includes(scope)) throw new Rejected('insufficient_scope', { scope });
    return claims;
  }

  /** `{ claims }`, or `{ response, rejected }`; `{}` for a path that is not under `prefix`. */
  async protect(request, { prefix = '/', scope, waitUntil } = {}) {
    const { pathname } = new URL(request.url);
    if (pathname === this.#signIn || !isUnder(pathname, prefix)) return {};
    try {
      return { claims: await this.authenticate(request, { scope, waitUntil }) };
    } catch (rejected) {
      if (!(rejected instanceof Rejected)) throw rejected;
      const canSignIn = rejected.status === 401 && this.#signIn && isNavigation(request);
      return { rejected, response: (canSignIn && redirectToSignIn(request, this.#signIn)) || rejected.toResponse() };
    }
  }

  /**
   * Answers `GET signIn?next=…` where Sekisho is on the same host: takes a token for the browser's session there into
   * the app's cookie, and goes back; or to Sekisho's own sign-in page first. The cookie is HttpOnly, and lives as the
   * token.
   */
  async signIn(request) {
    const isRead = ['GET', 'HEAD'].includes(request.method);
    if (!isRead) return new Response(null, { status: 405, headers: { allow: 'GET, HEAD' } });
    const next = localPath(new URL(request.url).searchParams.get('next'));
    // Nothing but Sekisho's own cookie. Without `Origin` it takes the request for what it is: from no browser.
    const session = (request.headers.get('cookie') ?? '')
      .split(/; */)
      .filter((pair) => /^(__Host-)?sekisho=/.test(pair));
    const headers = { cookie: session.join('; '), 'content-type': 'application/json' };
    const body = JSON.stringify({ audience: this.#audience });
    try {
      const answer = await get(`${this.#url}/session/token`, { method: 'POST', headers, body });
      if (answer.status === 401) return redirect(withNext(this.#login, withNext(this.#signIn, next)));
      if (answer.status >= 400 && answer.status < 500) return refusalOf(answer);
      if (answer.status !== 200) throw new Error(`status ${answer.status}`);
      const { access_token, expires_in } = await answer.json();
      return redirect(next, setCookie(request, this.#cookie, access_token, expires_in, '/'));
    } catch (error) {
      console.error(`no token for a session: ${error.cause ?? error}`);
      return new Rejected('verifier_stale').toResponse();
    }
  }

  /** The header, if there is one, is never passed over for the cookie: present but invalid is not absent. */
  #token(request) {
    const header = request.headers.get('authorization');
    if (header !== null || !this.#cookie) return bearer(header);
    const token = cookie(request, this.#cookie);
    // CSRF: a browser sends the cookie unasked (ASVS 3.5.1).
    if (!['GET', 'HEAD', 'OPTIONS'].includes(request.method) && !isSameOrigin(request)) {
      throw new Rejected('cross_origin');
    }
    return token;
  }

  async #expectKey(kid, waitUntil) {
    const known = this.#keys.value?.has(kid);
    if (known && this.#keys.age <= REFRESH_KEYS_AFTER) return;
    await this.#keys.refresh({ atMostEvery: RELOAD_KEYS_EVERY, wait: !known, waitUntil });
  }

  /** Stale-while-revalidate (RFC 5861): from half of `maxAge` on, the list is read again behind the answer. */
  async #expectList(waitUntil) {
    const { age, failed } = this.#list;
    if (age > this.#maxAge / 2) {
      // While the issuer is out of reach, nobody waits for it as long as the list may still be used.
      const wait = age > this.#maxAge && !(failed && age <= this.#staleAfter);
      await this.#list.refresh({ atMostEvery: failed ? RETRY_LIST_AFTER : 0, wait, waitUntil });
    }
    const save = this.#save();
    if (save) waitUntil?.(save);
  }

  /** All keys of one document replace all keys before: never a `kid` of one and a key of another. */
  async #fetchKeys() {
    const answer = await get(`${this.#url}/.well-known/jwks.json`);
    if (answer.status !== 200) throw new Error(`status ${answer.status}`);
    const keys = await Promise.all((await answer.json()).keys.map(importKey));
    const usable = new Map(keys.filter(Boolean).map((key) => [key.kid, key]));
    // The keys before stay: they have not become worse.
    if (usable.size === 0) throw new Error('there is no usable key in the set');
    return usable;
  }

  /** The list and what ended since; or all of it, at first, after an error, and when it has grown old. */
  async #fetchList(known, progress) {
    // Once, as a store that never answers must not shut everybody out.
    if (!known && !this.#restored) {
      this.#restored = true;
      known = await this.#restore();
    }
    const now = performance.now();
    const isWhole = !known || this.#list.failed || now - known.wholeAt > known.retainFor;
    // Ends are only ever added, so that a fetch that is given up takes nothing away. A withdrawn key never comes back.
    const list = isWhole ? { ended: new Map(), withdrawn: known?.withdrawn ?? new Set(), wholeAt: now } : { ...known };
    for (;;) {
      const headers = { accept: 'application/json' };
      if (this.#serviceSecret) headers.authorization = `Bearer ${this.#serviceSecret}`;
      if (list.etag) headers['if-none-match'] = list.etag;
      const since = list.cursor ? `?since=${encodeURIComponent(list.cursor)}` : '';
      const answer = await get(`${this.#url}/api/v1/revocations${since}`, { headers });
      if (answer.status === 304 && list.etag) return list;
      if (answer.status !== 200) throw new Error(`status ${answer.status}`);
      const { items, withdrawn_keys, next_cursor, retain_for } = await answer.json();
      const canBeRead = areTexts([next_cursor, ...withdrawn_keys]) && retain_for >= 0;
      if (!canBeRead) throw new Error("a list that can't be read");
      for (const { sid, reason } of items) {
        if (!areTexts([sid, reason])) throw new Error("an end that can't be read");
        list.ended.set(sid, reason);
      }
      for (const kid of withdrawn_keys) list.withdrawn.add(kid);
      [list.cursor, list.etag] = [next_cursor, answer.headers.get('etag')];
      // As far back as the whole list went, and no further, every end is known.
      if (isWhole) list.retainFor = retain_for * SECOND;
      if (items.length < PAGE) return list;
      progress();
    }
  }

  #storageKey() {
    return `sekisho:revocations:${this.#url}`;
  }

  /** What another isolate saved: a place to start from. Whatever its age, the issuer is asked what ended since. */
  async #restore() {
    try {
      const { ended, withdrawn, savedAt, ...rest } = JSON.parse(await this.#storage?.get(this.#storageKey()));
      const age = rest.age + Date.now() - savedAt;
      if (!(age >= 0 && rest.retainFor >= 0) || !areTexts([rest.cursor, ...withdrawn])) return undefined;
      return { ...rest, ended: new Map(ended), withdrawn: new Set(withdrawn), wholeAt: performance.now() - age };
    } catch {
      return undefined; // nothing there, or nothing that can be read
    }
  }

  /** Now and then: as it is only a place to start from, it need not be the newest. */
  #save() {
    const [list, now] = [this.#list.value, performance.now()];
    if (!this.#storage || !list || now - this.#savedAt < SAVE_LIST_EVERY) return undefined;
    this.#savedAt = now;
    const { cursor, etag, retainFor, wholeAt } = list;
    const [ended, withdrawn] = [[...list.ended], [...list.withdrawn]];
    const text = JSON.stringify({ ended, withdrawn, cursor, etag, retainFor, age: now - wholeAt, savedAt: Date.now() });
    return (async () => this.#storage.put(this.#storageKey(), text))().catch(() => {});
  }
}

/** What all requests share of the issuer's. One fetch at a time: whoever comes meanwhile waits for the same. */
class Shared {
  value;
  failed = false;
  #what;
  #fetch;
  #fetchedAt = -Infinity;
  #triedAt = -Infinity;
  #heardAt = -Infinity;
  #flight;

  constructor(what, fetch) {
    [this.#what, this.#fetch] = [what, fetch];
  }

  /** Milliseconds since the issuer was asked for what is here. */
  get age() {
    return performance.now() - this.#fetchedAt;
  }

  /** Fetches it anew, unless it was tried too lately. Without `waitUntil` a platform may stop what nobody waits for. */
  async refresh({ atMostEvery, wait, waitUntil }) {
    const now = performance.now();
    // On Workers a fetch ends with the request that began it: one that is silent for too long is given up.
    if (!this.#flight || now - this.#heardAt > TIMEOUT) {
      if (now - this.#triedAt < atMostEvery) return;
      this.#begin(now);
      waitUntil?.(this.#flight);
    }
    if (!wait && waitUntil) return;
    let timer;
    const timeout = new Promise((resolve) => (timer = setTimeout(resolve, TIMEOUT)));
    await Promise.race([this.#flight, timeout]);
    clearTimeout(timer);
  }

  #begin(now) {
    [this.#triedAt, this.#heardAt] = [now, now];
    // What was given up changes nothing any more: it may be older than what came after it.
    const isCurrent = () => this.#flight === flight;
    const progress = () => isCurrent() && (this.#heardAt = performance.now());
    const fetched = (value) => {
      if (isCurrent()) [this.value, this.#fetchedAt, this.failed, this.#flight] = [value, now, false, undefined];
    };
    const failed = (error) => {
      if (!isCurrent()) return;
      if (!this.failed) console.error(`${this.#what} can't be fetched: ${error.cause ?? error}`);
      [this.failed, this.#flight] = [true, undefined];
    };
    const flight = Promise.resolve(this.value)
      .then((value) => this.#fetch(value, progress))
      .then(fetched, failed);
    this.#flight = flight;
  }
}

/** `manual`, as not every platform knows `error`: a redirect is then a status like any other, and refused. */
function get(url, init) {
  return fetch(url, { ...init, redirect: 'manual', signal: AbortSignal.timeout(TIMEOUT) });
}

/** A key with its one algorithm (RFC 8725, section 3.1); `undefined` for what is no such key. */
async function importKey(jwk) {
  const { kid, alg, use = 'sig', kty, crv, x, y, n, e } = jwk ?? {};
  const algorithm = ALGORITHMS.get(alg);
  if (!algorithm || !areTexts([kid]) || use !== 'sig') return undefined;
  try {
    const key = await crypto.subtle.importKey('jwk', { kty, crv, x, y, n, e }, algorithm, false, ['verify']);
    // RFC 7518, section 3.3
    return key.algorithm.modulusLength < 2_048 ? undefined : { kid, alg, algorithm, key };
  } catch {
    return undefined;
  }
}

/**
 * Header and claims of a token that is written as the server writes it; its signature is still to be checked. Libraries
 * are generous with spellings, and differ in how: here each token has one. `clients/vectors` holds every verifier to
 * it.
 */
function read(token) {
  try {
    const parts = token.length <= MAX_TOKEN ? token.split('.') : [];
    if (parts.length !== 3) throw new Error('not three parts');
    const [head, payload, signature] = parts.map(decodePart);
    const [header, claims] = [parseJson(head), parseJson(payload)];
    const message = new TextEncoder().encode(`${parts[0]}.${parts[1]}`);
    if (isOurHeader(header) && areOurClaims(claims)) return { header, claims, message, signature };
  } catch {
    // Whatever a hostile token makes a parser throw, it is not valid.
  }
  throw new Rejected('invalid_token');
}

/** Refuses padding, blanks, the other alphabet, and unused bits that are set (RFC 7515, section 2; RFC 4648, 3.5). */
function decodePart(part) {
  const binary = atob(part.replaceAll('-', '+').replaceAll('_', '/'));
  const spelled = btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
  if (spelled !== part) throw new Error('another spelling');
  const data = new Uint8Array(binary.length);
  for (let n = 0; n < data.length; n++) data[n] = binary.charCodeAt(n);
  return data;
}

/** Of what is known to be JSON: each string, with the number behind it if it is a member's name, and each bracket. */
const JSON_TOKEN = /("(?:[^"\\]|\\.)*")(?:\s*(:)\s*(-?[\d.eE+-]+)?)?|[[\]{}]/g;

/**
 * An object in UTF-8 JSON. Refuses a member that is there twice, as parsers disagree on which one counts, and a time
 * that is not written as a whole number.
 */
function parseJson(data) {
  const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(data);
  const found = JSON.parse(text);
  if (typeof found !== 'object' || found === null || Array.isArray(found)) throw new Error('not an object');
  const open = [];
  for (const [token, string, isName, value] of text.matchAll(JSON_TOKEN)) {
    if (token === '{' || token === '[') open.push(new Set());
    else if (token === '}' || token === ']') open.pop();
    else {
      const name = string.includes('\\') ? JSON.parse(string) : string.slice(1, -1);
      if (!name.isWellFormed()) throw new Error('half a surrogate pair is no text');
      if (isName && open.at(-1).has(name)) throw new Error('a member is there twice');
      if (isName) open.at(-1).add(name);
      const isTime = open.length === 1 && value && ['iat', 'exp', 'nbf'].includes(name);
      if (isTime && !/^(0|-?[1-9]\d*)$/.test(value)) throw new Error('not a whole number');
    }
    if (open.length > MAX_DEPTH) throw new Error('nested too deep');
  }
  return found;
}

/**
 * Nothing but these three: no key that a token brings along, or points to (ASVS 9.1.3), and no critical extension (RFC
 * 7515, section 4.1.11). The type exactly: no other kind of JWT is taken for an access token (RFC 9068, section 2.1).
 */
function isOurHeader(header) {
  const names = Object.keys(header).sort().join();
  return names === 'alg,kid,typ' && header.typ === 'at+jwt' && ALGORITHMS.has(header.alg) && areTexts([header.kid]);
}

/** All claims are there, each of its type; `aud` is one string, and null is not "absent" (CVE-2026-25537). */
function areOurClaims({ iss, aud, sub, sid, jti, client_id, scope, roles, iat, exp, nbf = iat }) {
  const named = areTexts([iss, aud, sub, sid, jti, client_id, scope]) && sub !== '' && sid !== '';
  return named && Array.isArray(roles) && areTexts(roles) && [iat, exp, nbf].every(Number.isSafeInteger);
}

function areTexts(values) {
  return values.every((value) => typeof value === 'string');
}

/** The token of the one `Authorization: Bearer` header (RFC 6750, section 2.1); two arrive here joined by a comma. */
function bearer(header) {
  if (header === null) throw new Rejected('unauthenticated');
  const [, token] = /^bearer +([^ ]+) *$/i.exec(header) ?? [];
  if (!token) throw new Rejected('invalid_token');
  return token;
}

function cookies(request, name) {
  const pairs = (request.headers.get('cookie') ?? '').split(';').map((pair) => pair.trim());
  return pairs.filter((pair) => pair.startsWith(`${name}=`)).map((pair) => pair.slice(name.length + 1));
}

/** Two of one name are nobody's: another host of the site may have set one of them. */
function cookie(request, name) {
  const values = cookies(request, name);
  if (values.length === 0) throw new Rejected('unauthenticated');
  if (values.length > 1) throw new Rejected('invalid_token');
  return values[0];
}

function setCookie(request, name, value, lifetime, path) {
  const secure = new URL(request.url).protocol === 'https:' ? '; Secure' : '';
  return `${name}=${value}; Max-Age=${lifetime}; Path=${path}; HttpOnly; SameSite=Lax${secure}`;
}

function isSameOrigin({ headers, url }) {
  const [site, origin] = [headers.get('sec-fetch-site'), headers.get('origin')];
  if (site !== null) return site === 'same-origin' || site === 'none';
  return origin === null || origin === new URL(url).origin;
}

/** A person goes to a page. What a script, a picture or a frame asks for gets a 401, and so does a form. */
function isNavigation({ method, headers }) {
  if (!['GET', 'HEAD'].includes(method) || headers.has('authorization')) return false;
  const mode = headers.get('sec-fetch-mode');
  if (mode === null) return (headers.get('accept') ?? '').includes('text/html');
  return mode === 'navigate' && headers.get('sec-fetch-dest') === 'document';
}

/** `undefined` in a loop: then the page is answered 401. The cookie's path makes it count this page alone. */
function redirectToSignIn(request, signIn) {
  const { pathname, search } = new URL(request.url);
  const count = Number(cookies(request, REDIRECTS)[0] ?? 0);
  if (!(count < MAX_REDIRECTS)) return undefined;
  const path = pathname.replaceAll(';', '%3B');
  return redirect(
    withNext(signIn, localPath(pathname + search)),
    setCookie(request, REDIRECTS, count + 1, REDIRECTS_WITHIN, path),
  );
}

/** Sekisho knows the person and refuses a token, as while an address is not confirmed: signing in would not help. */
function refusalOf(answer) {
  const headers = { 'content-type': 'application/problem+json', 'cache-control': 'no-store' };
  return new Response(answer.body, { status: answer.status, headers });
}

function redirect(location, setCookie) {
  const headers = new Headers({ location, 'cache-control': 'no-store' });
  if (setCookie) headers.set('set-cookie', setCookie);
  return new Response(null, { status: 303, headers });
}

function withNext(path, next) {
  return next === '/' ? path : `${path}?next=${encodeURIComponent(next)}`;
}

/**
 * `path` if it is a path of this origin, else `/`: no open redirect (ASVS 3.7.2). What a browser could read as another
 * host is not: `//host`, `/\host`, and control characters, which browsers drop before they look.
 */
export function localPath(path) {
  return path?.length <= 2_000 && /^\/(?!\/)[^\\\p{Cc}]*$/u.test(path) ? path : '/';
}

/** Whether any router could take `path` for one under `prefix`: as it is, or decoded, with its dots resolved. */
function isUnder(path, prefix) {
  const root = resolveDots(decodePath(new URL(prefix, 'https://any.example').pathname));
  let tried = path;
  for (let n = 0; n < 5; n++) {
    const readings = [tried.toLowerCase(), resolveDots(tried)];
    if (readings.some((path) => `${path}/`.startsWith(`${root}/`))) return true;
    const decoded = decodePath(tried);
    if (decoded === tried) return false;
    tried = decoded;
  }
  return true; // nobody honest encodes a path so often
}

/** Byte by byte, so that nothing is malformed. */
function decodePath(path) {
  return path.replace(/%([\da-f]{2})/gi, (_, hex) => String.fromCharCode(parseInt(hex, 16)));
}

function resolveDots(path) {
  const names = [];
  for (const name of path.toLowerCase().split(/[/\\]/)) {
    if (name === '..') names.pop();
    else if (name !== '' && name !== '.') names.push(`/${name}`);
  }
  return names.join('');
}
