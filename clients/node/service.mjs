// A service that lets in whoever is signed in to Sekisho: `GET /whoami` with an access token. Copy `Verifier` into
// your own. It verifies tokens by itself and refuses an ended session within a second; when it can't know, it fails
// closed. Refuses to take a key from a token and to follow a redirect.
//
// AUDIENCE is this service's name in Sekisho's SEKISHO_AUDIENCES (orders); ISSUER_URL where Sekisho is
// (http://127.0.0.1:3000); ISSUER what its tokens say, if that differs; SCOPE what a token must allow, if anything;
// SERVICE_SECRET one of SEKISHO_SERVICE_SECRET, where that is set; STALE_AFTER for how many seconds Sekisho may be out
// of reach (30); LISTEN the own address (127.0.0.1:4002).
import { createServer, STATUS_CODES } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { compactVerify, createLocalJWKSet } from 'jose';

const ALGORITHMS = ['EdDSA', 'ES256', 'RS256'];
const SECOND = 1_000;
/** How far another machine's clock may be off, in seconds. */
const LEEWAY = 5;
const CONNECT_TIMEOUT = 5 * SECOND;
/** The server writes to the feed at least every 15 s: a connection that is silent for longer than this is dead. */
const SILENCE = 30 * SECOND;
/** An unknown `kid` makes the keys be read again, at most this often: it is hostile input (RFC 8725, section 3.10). */
const RELOAD_EVERY = 3 * SECOND;
const REFRESH_EVERY = 300 * SECOND;
const MAX_EVENT = 64 * 1024;
const MAX_DEPTH = 100;

/** Why a request is not let in. `code` is the server's own. */
class Rejected extends Error {
  constructor(code, { reason, scope } = {}) {
    super(code);
    this.code = code;
    this.reason = reason;
    this.scope = scope;
  }
}

class Verifier {
  #url;
  #issuer;
  #audience;
  #serviceSecret;
  #staleAfter;

  #keys = new Map();
  #findKey;
  #readAt = -Infinity;
  #reading;
  #keysFailed = false;

  /** By session id: why it ended, and when this was heard. */
  #ended = new Map();
  /** Key ids, which are never accepted again, whatever a cache of the key set says. */
  #withdrawn = new Set();
  #retainFor = 0;
  #forgotAt = -Infinity;
  /** There is a connection, and it has told all ends until now. */
  #connected = false;
  /** When such a connection was last heard. */
  #heardAt = -Infinity;
  #cursor;
  #caughtUp;

  /** `audience` is this service's own name: a token for another one, or for Sekisho itself, opens nothing here. */
  constructor({ url, audience, issuer = url, serviceSecret, staleAfter = 30 * SECOND }) {
    if (!audience) throw new Error('AUDIENCE: a service has a name');
    // An error of `fetch` would show it.
    const sendable = !serviceSecret || /^[!-~]+$/.test(serviceSecret);
    if (!sendable) throw new Error('SERVICE_SECRET: must be ASCII without blanks');
    this.#url = url;
    this.#issuer = issuer;
    this.#audience = audience;
    this.#serviceSecret = serviceSecret;
    this.#staleAfter = staleAfter;
  }

  /** Starts to follow the server; resolves when its keys are there and all ended sessions are known. */
  async start() {
    const caughtUp = new Promise((resolve) => {
      this.#caughtUp = resolve;
    });
    this.#follow();
    await this.#readKeys();
    while (this.#keysFailed) {
      await sleep(RELOAD_EVERY);
      await this.#readKeys();
    }
    this.#refreshKeys();
    await caughtUp;
  }

  /** The claims of a token that holds, at this moment; throws `Rejected` if it does not. */
  async verify(token) {
    const { header, claims } = read(token);
    await this.#expectKey(header.kid);
    // Not `jwtVerify`, which looks at the times first: whose session ended is told so, even if the token has run out.
    await compactVerify(token, this.#findKey, { algorithms: ALGORITHMS }).catch(() => {
      throw new Rejected('invalid_token');
    });
    if (claims.iss !== this.#issuer || claims.aud !== this.#audience) throw new Rejected('invalid_token');
    const end = this.#ended.get(claims.sid);
    if (end) throw new Rejected('session_revoked', end);
    if (!isRunning(claims)) throw new Rejected('invalid_token');
    if (this.#isStale()) throw new Rejected('verifier_stale');
    // The end of a session that made so old a token may be forgotten here.
    if (Date.now() >= claims.iat * SECOND + this.#retainFor + LEEWAY * SECOND) throw new Rejected('invalid_token');
    return claims;
  }

  async #expectKey(kid) {
    const asked = !this.#reading && performance.now() - this.#readAt < RELOAD_EVERY;
    if (!this.#keys.has(kid) && !asked) await this.#readKeys();
    if (this.#withdrawn.has(kid)) throw new Rejected('invalid_token');
    if (this.#keys.has(kid)) return;
    // Without an answer nobody knows whether it is forged: a 401 would make an honest client throw its token away.
    throw new Rejected(this.#keysFailed ? 'verifier_stale' : 'invalid_token');
  }

  /** One request at a time: whoever comes meanwhile waits for the same answer. */
  #readKeys() {
    this.#reading ??= this.#fetchKeys().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #fetchKeys() {
    this.#readAt = performance.now();
    try {
      const url = `${this.#url}/.well-known/jwks.json`;
      const answer = await fetch(url, { redirect: 'error', signal: AbortSignal.timeout(CONNECT_TIMEOUT) });
      if (answer.status !== 200) throw new Error(`status ${answer.status}`);
      const { keys } = await answer.json();
      const usable = keys.filter(
        (key) => typeof key?.kid === 'string' && ALGORITHMS.includes(key.alg) && [undefined, 'sig'].includes(key.use),
      );
      if (usable.length === 0) throw new Error('there is no usable key in the set');
      // jose finds the key by `kid` and `alg` together: one algorithm per key (RFC 8725, section 3.1).
      this.#findKey = createLocalJWKSet({ keys: usable });
      this.#keys = new Map(usable.map((key) => [key.kid, key]));
      this.#keysFailed = false;
    } catch (error) {
      // The keys stay: they have not become worse.
      if (!this.#keysFailed) console.error(`the keys can't be read: ${error.cause ?? error}`);
      this.#keysFailed = true;
    }
  }

  async #refreshKeys() {
    for (;;) {
      await sleep(this.#keysFailed ? RELOAD_EVERY : REFRESH_EVERY);
      await this.#readKeys();
    }
  }

  /** The server has been out of reach for too long: a session may have ended that nobody told of. */
  #isStale() {
    const limit = this.#connected ? Math.max(this.#staleAfter, SILENCE) : this.#staleAfter;
    return performance.now() - this.#heardAt > limit;
  }

  async #follow() {
    let pause = 250;
    let told = false;
    for (;;) {
      const error = await this.#followOnce().catch((error) => error);
      if (this.#connected) [pause, told] = [250, false];
      this.#connected = false;
      if (!told) console.error(`ended sessions can't be followed, trying again: ${error.cause ?? error}`);
      told = true;
      await sleep(pause);
      pause = Math.min(2 * pause, 4 * SECOND);
    }
  }

  /** Follows one connection to its end, which is always an error. */
  async #followOnce() {
    const connection = new AbortController();
    const hangUp = () => connection.abort(new Error('the server is silent'));
    let timer = setTimeout(hangUp, CONNECT_TIMEOUT);
    try {
      const headers = { accept: 'text/event-stream' };
      if (this.#cursor) headers['last-event-id'] = this.#cursor;
      if (this.#serviceSecret) headers.authorization = `Bearer ${this.#serviceSecret}`;
      const url = `${this.#url}/api/v1/revocations`;
      const answer = await fetch(url, { headers, redirect: 'error', signal: connection.signal });
      // Set again only by what was read well: a cursor that brings trouble is not used twice.
      this.#cursor = undefined;
      const type = answer.headers.get('content-type');
      if (answer.status !== 200 || !type?.startsWith('text/event-stream')) {
        throw new Error(`status ${answer.status}, ${type}`);
      }
      const heard = () => {
        clearTimeout(timer);
        timer = setTimeout(hangUp, SILENCE);
        this.#hear();
      };
      for await (const event of events(answer.body, heard)) {
        try {
          this.#take(event);
        } catch (error) {
          // An end that can't be read could be anybody's: nothing is known until all is told again.
          this.#cursor = undefined;
          throw error;
        }
      }
      throw new Error('the server closed the connection');
    } finally {
      clearTimeout(timer);
      connection.abort();
    }
  }

  #take({ name, id, data }) {
    if (name === 'ended') {
      const { sid, reason } = JSON.parse(data);
      if (typeof sid !== 'string' || typeof reason !== 'string') throw new Error("an end that can't be read");
      this.#ended.set(sid, { reason, heardAt: performance.now() });
    } else if (name === 'key_withdrawn') {
      const { kid } = JSON.parse(data);
      if (typeof kid !== 'string') throw new Error("a key id that can't be read");
      this.#withdrawn.add(kid);
    } else if (name === 'hello') {
      const { retain_for } = JSON.parse(data);
      if (!(retain_for >= 0)) throw new Error("a hello that can't be read");
      // Never shortened: tokens made before the server was given a shorter life are still about.
      this.#retainFor = Math.max(this.#retainFor, retain_for * SECOND);
      this.#connected = true;
      this.#heardAt = performance.now();
      this.#caughtUp();
    }
    // While catching up, the cursor stays: a connection cut in the middle has not told everything before it.
    if (this.#connected) this.#cursor = id;
  }

  /** Something came, if only a comment. Now and then, forgets what no token can contradict any more. */
  #hear() {
    if (!this.#connected) return;
    const now = performance.now();
    this.#heardAt = now;
    if (now - this.#forgotAt < 15 * SECOND) return;
    this.#forgotAt = now;
    for (const [sid, { heardAt }] of this.#ended) if (now - heardAt > this.#retainFor) this.#ended.delete(sid);
  }
}

/** Reads server-sent events out of `body`, and calls `heard` for whatever comes. */
async function* events(body, heard) {
  let rest = '';
  let [name, id, data] = ['', '', ''];
  for await (const text of body.pipeThrough(new TextDecoderStream())) {
    heard();
    // A CR at the very end may be half a line end.
    const lines = (rest + text).split(/\r\n|\n|\r(?!$)/);
    rest = lines.pop();
    for (const line of lines) {
      if (line === '') {
        if (data) yield { name, id, data };
        [name, data] = ['', ''];
        continue;
      }
      const [, field, value] = /^([^:]*):? ?(.*)$/s.exec(line);
      if (field === 'event') name = value;
      if (field === 'id') id = value;
      if (field === 'data') data += value;
    }
    if (rest.length + data.length > MAX_EVENT) throw new Error('an event is too large');
  }
}

/** Whether a token has begun and not run out. */
function isRunning({ iat, exp, nbf = iat }) {
  const now = Math.floor(Date.now() / SECOND);
  return iat <= now + LEEWAY && nbf <= now + LEEWAY && now < exp + LEEWAY;
}

/**
 * Header and claims of a token that is written as the server writes it; its signature is still to be checked.
 *
 * Libraries are generous with spellings, and differ in how: here each token has one. `clients/vectors` holds every
 * verifier, and the server, to the same.
 */
function read(token) {
  try {
    const parts = token.split('.').map(decodePart);
    const [header, claims] = [parseJson(parts[0]), parseJson(parts[1])];
    if (parts.length === 3 && isOurHeader(header) && areOurClaims(claims)) return { header, claims };
  } catch {
    // Whatever a hostile token makes a parser throw, it is not valid.
  }
  throw new Rejected('invalid_token');
}

/** Refuses padding, blanks, the other alphabet, and unused bits that are set (RFC 7515, section 2; RFC 4648, 3.5). */
function decodePart(part) {
  const data = Buffer.from(part, 'base64url');
  if (data.toString('base64url') !== part) throw new Error('another spelling');
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
      const name = JSON.parse(string);
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
 * Nothing but these three: no key that a token brings along, or points to (ASVS 9.1.3), and no critical extension,
 * whose meaning is not known here (RFC 7515, section 4.1.11). The type exactly: no other kind of JWT is taken for an
 * access token (RFC 9068, section 2.1).
 */
function isOurHeader(header) {
  const names = Object.keys(header).sort().join();
  return names === 'alg,kid,typ' && header.typ === 'at+jwt' && ALGORITHMS.includes(header.alg) && isText(header.kid);
}

/** All claims are there, each of its type; `aud` is one string, and null is not "absent" (CVE-2026-25537). */
function areOurClaims({ iss, aud, sub, sid, jti, client_id, scope, roles, iat, exp, nbf = iat }) {
  return (
    [iss, aud, sub, sid, jti, client_id, scope].every(isText) &&
    sub !== '' &&
    sid !== '' &&
    Array.isArray(roles) &&
    roles.every(isText) &&
    [iat, exp, nbf].every(Number.isSafeInteger)
  );
}

function isText(value) {
  return typeof value === 'string';
}

/** Throws `Rejected` (403) unless the token allows this; `scope` is a list with a blank in between. */
function requireScope(claims, scope) {
  if (!claims.scope.split(' ').includes(scope)) throw new Rejected('insufficient_scope', { scope });
}

/** The token of the one `Authorization: Bearer` header (RFC 6750, section 2.1). */
function bearer(request) {
  const values = request.headersDistinct.authorization ?? [];
  if (values.length === 0) throw new Rejected('unauthenticated');
  const [, token] = (values.length === 1 && /^bearer +([^ ]+) *$/i.exec(values[0])) || [];
  if (!token) throw new Rejected('invalid_token');
  return token;
}

/** The server's own answers: RFC 9457, with the challenges of RFC 6750, bare when there were no credentials. */
const PROBLEMS = {
  unauthenticated: [401, 'This needs an access token.', { 'www-authenticate': 'Bearer' }],
  invalid_token: [
    401,
    'The access token is not valid, or has expired.',
    { 'www-authenticate': 'Bearer error="invalid_token"' },
  ],
  session_revoked: [
    401,
    'This session has ended. Sign in again.',
    { 'www-authenticate': 'Bearer error="invalid_token"' },
  ],
  insufficient_scope: [403, 'The access token does not allow this.', {}],
  verifier_stale: [503, 'The sign-in server is out of reach. Try again soon.', { 'retry-after': '5' }],
  not_found: [404, 'There is nothing here.', {}],
  internal: [500, 'Something went wrong.', {}],
};

function problem(response, code, { reason, scope } = {}) {
  const [status, detail, headers] = PROBLEMS[code];
  const challenge = scope && { 'www-authenticate': `Bearer error="insufficient_scope", scope="${scope}"` };
  const body = { type: 'about:blank', title: STATUS_CODES[status], status, detail, code, reason };
  const contentType = { 'content-type': 'application/problem+json' };
  response.writeHead(status, { ...contentType, ...headers, ...challenge }).end(JSON.stringify(body));
}

const { ISSUER_URL = 'http://127.0.0.1:3000', ISSUER, AUDIENCE = 'orders', SCOPE, STALE_AFTER = '30' } = process.env;
const verifier = new Verifier({
  url: ISSUER_URL.replace(/\/+$/, ''),
  audience: AUDIENCE,
  issuer: ISSUER,
  serviceSecret: process.env.SERVICE_SECRET,
  staleAfter: Number(STALE_AFTER) * SECOND,
});
await verifier.start(); // until then, everybody would be answered 503

const server = createServer(async (request, response) => {
  try {
    if (request.method !== 'GET' || request.url !== '/whoami') throw new Rejected('not_found');
    const claims = await verifier.verify(bearer(request));
    if (SCOPE) requireScope(claims, SCOPE);
    const { sub, sid, roles, scope } = claims;
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify({ sub, sid, roles, scope }));
  } catch (error) {
    if (error instanceof Rejected) return problem(response, error.code, error);
    console.error(error);
    problem(response, 'internal');
  }
});
const listen = new URL(`http://${process.env.LISTEN ?? '127.0.0.1:4002'}`);
server.listen(Number(listen.port || 80), listen.hostname, () => {
  const { address, port } = server.address();
  console.log(`listening on http://${address}:${port}`);
});
