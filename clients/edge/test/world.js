// A fake issuer and a clock that tests move, in whatever runtime they run: nothing here is of Node.
import { Rejected, Verifier } from '../verifier.js';

export const ISSUER = 'https://sign-in.example';
export const AUDIENCE = 'orders';
const PAGE = 1_000;
const real = { fetch: globalThis.fetch, now: Date.now, performanceNow: performance.now.bind(performance) };
const encoder = new TextEncoder();

export function equal(found, wanted, what = '') {
  const [a, b] = [found, wanted].map((value) => JSON.stringify(value));
  if (a !== b) throw new Error(`${what} ${a} instead of ${b}`);
}

export function base64url(data) {
  const bytes = typeof data === 'string' ? encoder.encode(data) : new Uint8Array(data);
  const binary = Array.from(bytes, (byte) => String.fromCharCode(byte)).join('');
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

const GENERATE = {
  EdDSA: { name: 'Ed25519' },
  ES256: { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' },
  RS256: {
    name: 'RSASSA-PKCS1-v1_5',
    hash: 'SHA-256',
    modulusLength: 2_048,
    publicExponent: new Uint8Array([1, 0, 1]),
  },
};

export async function newKey(kid, alg = 'EdDSA', members = {}) {
  const algorithm = { ...GENERATE[alg], ...members };
  const { publicKey, privateKey } = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify']);
  const { kty, crv, x, y, n, e } = await crypto.subtle.exportKey('jwk', publicKey);
  const sign = (message) => {
    const data = typeof message === 'string' ? encoder.encode(message) : message;
    return crypto.subtle.sign(algorithm, privateKey, data);
  };
  return { kid, alg, algorithm, publicKey, sign, jwk: { kid, alg, use: 'sig', kty, crv, x, y, n, e } };
}

export class World {
  time = 1_800_000_000_000;
  keys = [];
  ends = [];
  withdrawn = [];
  epoch = 1;
  retainFor = 960;
  /** `down`: no answer; `silent`: never one; or a function that answers. */
  mode = {};
  asked = { jwks: 0, list: 0, unchanged: 0, token: 0 };
  requests = [];

  static async create() {
    const world = new World();
    world.keys = [await newKey('a')];
    Date.now = () => world.time;
    performance.now = () => world.time - 1_700_000_000_000;
    globalThis.fetch = (url, init) => world.#answer(url, init);
    return world;
  }

  static restore() {
    globalThis.fetch = real.fetch;
    Date.now = real.now;
    performance.now = real.performanceNow;
  }

  advance(seconds) {
    this.time += seconds * 1_000;
  }

  verifier(options) {
    return new Verifier({ url: ISSUER, audience: AUDIENCE, ...options });
  }

  end(sid, reason = 'signed_out') {
    this.ends.push({ sid, reason, ended_at: '2027-01-15T08:00:00Z' });
  }

  async token(claims = {}, header = {}, key = this.keys[0]) {
    const now = Math.floor(this.time / 1_000);
    const who = { sub: 'a-user', sid: 'a-session', jti: 'a-token', client_id: 'api', scope: 'account:read', roles: [] };
    const all = { iss: ISSUER, aud: AUDIENCE, iat: now, exp: now + 900, ...who, ...claims };
    const head = { typ: 'at+jwt', alg: key.alg, kid: key.kid, ...header };
    const message = `${base64url(JSON.stringify(head))}.${base64url(JSON.stringify(all))}`;
    return `${message}.${base64url(await key.sign(message))}`;
  }

  async #answer(url, init) {
    const { pathname, searchParams } = new URL(url);
    const headers = new Headers(init.headers);
    this.requests.push({ url, headers, init });
    const name = pathname.endsWith('jwks.json') ? 'jwks' : pathname.startsWith('/session') ? 'token' : 'list';
    this.asked[name] += 1;
    // Made now, but it arrives when the test wants.
    const answer = this.#make(name, headers, searchParams);
    await Promise.resolve();
    const mode = this.mode[name] ?? this.mode.all;
    if (mode === 'down') throw new TypeError('fetch failed');
    if (mode === 'silent') return new Promise(() => {});
    return mode ? mode(answer) : answer;
  }

  #make(name, headers, searchParams) {
    if (name === 'jwks') return Response.json({ keys: this.keys.map(({ jwk }) => jwk) });
    if (name === 'token') return new Response(null, { status: 401 });
    const tagAt = (n) => `"${[`${this.epoch}-${n}`, ...this.withdrawn].join('.')}"`;
    if (headers.get('if-none-match') === tagAt(this.ends.length)) {
      this.asked.unchanged += 1;
      return new Response(null, { status: 304, headers: { etag: tagAt(this.ends.length) } });
    }
    const [epoch, n] = (searchParams.get('since') ?? '').split('-').map(Number);
    const from = epoch === this.epoch ? n : 0;
    const items = this.ends.slice(from, from + PAGE);
    const end = from + items.length;
    const position = { next_cursor: `${this.epoch}-${end}`, retain_for: this.retainFor };
    return Response.json({ items, withdrawn_keys: this.withdrawn, ...position }, { headers: { etag: tagAt(end) } });
  }
}

/** `ok`, or the code of the refusal, with its reason. */
export async function outcome(promise) {
  try {
    await promise;
    return 'ok';
  } catch (error) {
    if (!(error instanceof Rejected)) throw error;
    return [error.code, error.reason].filter(Boolean).join(' ');
  }
}

export function request(path, headers = {}, method = 'GET') {
  return new Request(new URL(path, 'https://shop.example'), { method, headers });
}

/** A store that shows what was written a minute ago, as Workers KV may. */
export class LaggingStorage {
  #versions = [];

  constructor(world, lag = 60) {
    this.world = world;
    this.lag = lag * 1_000;
  }

  get writes() {
    return this.#versions.length;
  }

  async get() {
    return this.#versions.findLast(({ at }) => at <= this.world.time - this.lag)?.value ?? null;
  }

  async put(key, value) {
    this.#versions.push({ at: this.world.time, value });
  }
}
