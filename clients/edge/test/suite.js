// What the verifier does, by name: the same in Node, in workerd and in the Edge Runtime. See run.js.
import { Rejected, Verifier, localPath } from '../verifier.js';
import vectors from '../../vectors/tokens.json' with { type: 'json' };
import { AUDIENCE, ISSUER, LaggingStorage, World, equal, newKey, outcome, request } from './world.js';

const NAVIGATION = { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document', accept: 'text/html' };
const bearer = (token) => ({ authorization: `Bearer ${token}` });
const withCookie = (token) => ({ cookie: `theme=dark; orders=${token}` });
const PAGES = { cookie: 'orders', signIn: '/sign-in' };
const INVALID = 'Bearer error="invalid_token"';

export const tests = {
  async 'every vector is answered as by the server and the other verifiers'(world) {
    world.time = vectors.now * 1_000;
    world.keys = vectors.jwks.keys.map((jwk) => ({ jwk }));
    const verifier = world.verifier({ url: vectors.issuer, audience: vectors.audience });
    const wrong = [];
    for (const { name, code, authorization } of vectors.vectors) {
      const headers = new Headers();
      for (const value of authorization) headers.append('authorization', value);
      const answer = await outcome(verifier.authenticate(new Request('https://shop.example/', { headers })));
      if (answer !== code) wrong.push(`${name}: ${answer} instead of ${code}`);
    }
    equal(wrong, []);
    equal(vectors.vectors.length >= 360, true);
    // Each vector with a forged key id is a try to make the keys be read again.
    equal(world.asked.jwks, 1);
  },

  async 'each algorithm is accepted with its own key, and with no other'(world) {
    world.keys = await Promise.all(['EdDSA', 'ES256', 'RS256'].map((alg) => newKey(alg, alg)));
    const verifier = world.verifier();
    for (const key of world.keys) {
      equal(await outcome(verifier.verify(await world.token({}, {}, key))), 'ok', key.alg);
      for (const other of world.keys.filter((other) => other !== key)) {
        equal(await outcome(verifier.verify(await world.token({}, { kid: other.kid }, key))), 'invalid_token');
        equal(await outcome(verifier.verify(await world.token({}, { alg: other.alg }, key))), 'invalid_token');
      }
    }
  },

  async 'a token of more than 16 kB is not looked at'(world) {
    const verifier = world.verifier();
    equal(await outcome(verifier.verify(await world.token({ x: 'x'.repeat(10_000) }))), 'ok');
    equal(await outcome(verifier.verify(await world.token({ x: 'x'.repeat(16_000) }))), 'invalid_token');
    for (const token of [undefined, null, 7, {}]) equal(await outcome(verifier.verify(token)), 'invalid_token');
  },

  async 'keys that are for something else, weak, or none at all are passed over'(world) {
    const [good, weak] = [world.keys[0], await newKey('weak', 'RS256', { modulusLength: 1_024 })];
    const secret = { jwk: { kid: 'secret', alg: 'HS256', kty: 'oct', k: 'AAAA' } };
    const [crypt, mixed] = [
      { jwk: { ...good.jwk, kid: 'enc', use: 'enc' } },
      { jwk: { ...good.jwk, kid: 'm', alg: 'ES256' } },
    ];
    world.keys = [good, weak, secret, crypt, mixed, { jwk: null }, { jwk: 7 }, { jwk: {} }];
    const verifier = world.verifier();
    equal(await outcome(verifier.verify(await world.token())), 'ok');
    for (const kid of ['weak', 'secret', 'enc', 'm']) {
      equal(await outcome(verifier.verify(await world.token({}, { kid }))), 'invalid_token', kid);
    }
    equal(await outcome(verifier.verify(await world.token({}, {}, weak))), 'invalid_token');
  },

  async 'a clock may be off by 5 s, or by clockTolerance, to both sides'(world) {
    const now = world.time / 1_000;
    for (const [options, tolerance] of [
      [{}, 5],
      [{ clockTolerance: 60 }, 60],
      [{ clockTolerance: 0 }, 0],
    ]) {
      const verifier = world.verifier(options);
      const answer = async (claims) => outcome(verifier.verify(await world.token(claims)));
      equal(await answer({ iat: now + tolerance }), 'ok', 'a clock that is late');
      equal(await answer({ iat: now + tolerance + 1 }), 'invalid_token');
      equal(await answer({ iat: now + tolerance + 1, nbf: now }), 'invalid_token');
      equal(await answer({ nbf: now + tolerance }), 'ok');
      equal(await answer({ nbf: now + tolerance + 1 }), 'invalid_token');
      equal(await answer({ iat: now - 600, exp: now - tolerance + 1 }), 'ok', 'a clock that is early');
      equal(await answer({ iat: now - 600, exp: now - tolerance }), 'invalid_token');
    }
  },

  async 'a token so old that the end of its session may be forgotten is refused'(world) {
    const now = world.time / 1_000;
    for (const [tolerance, age, wanted] of [
      [5, 954, 'ok'],
      [5, 955, 'invalid_token'],
      [60, 900, 'invalid_token'],
    ]) {
      const verifier = world.verifier({ clockTolerance: tolerance });
      equal(await outcome(verifier.verify(await world.token({ iat: now - age, exp: now + 900 }))), wanted, `${age} s`);
    }
  },

  async '1,000 forged key ids cause one fetch, one after another and at once'(world) {
    const verifier = world.verifier();
    await verifier.verify(await world.token());
    world.advance(10);
    const forged = await Promise.all(Array.from({ length: 1_000 }, (_, n) => world.token({}, { kid: `forged-${n}` })));
    for (const token of forged.slice(0, 500)) equal(await outcome(verifier.verify(token)), 'invalid_token');
    const answers = await Promise.all(forged.slice(500).map((token) => outcome(verifier.verify(token))));
    equal(new Set(answers).size, 1);
    equal(world.asked.jwks, 2, 'the first one, and one for all of these');
    world.advance(3);
    await Promise.all(forged.map((token) => outcome(verifier.verify(token))));
    equal(world.asked.jwks, 3);
  },

  async 'an empty or unreadable key set neither replaces keys nor ends the cool-down'(world) {
    const [verifier, token, keys] = [world.verifier(), await world.token(), world.keys];
    await verifier.verify(token);
    for (const broken of [() => Response.json({ keys: [] }), () => Response.json({}), () => new Response('<html>')]) {
      world.advance(10);
      world.asked.jwks = 0;
      world.mode.jwks = broken;
      for (let n = 0; n < 1_000; n++) {
        const forged = await world.token({}, { kid: `forged-${n}` }, { ...keys[0], sign: () => 'AAAA' });
        equal(await outcome(verifier.verify(forged)), 'verifier_stale', 'nobody knows whether the key is new');
      }
      equal(world.asked.jwks, 1);
      equal(await outcome(verifier.verify(token)), 'ok');
    }
    const fresh = world.verifier();
    world.asked.jwks = 0;
    for (let n = 0; n < 100; n++) equal(await outcome(fresh.verify(token)), 'verifier_stale');
    equal(world.asked.jwks, 1, 'no key was ever read');
  },

  async 'a kid and its key are of one document, also while keys rotate under load'(world) {
    const [old, renewed, next] = [world.keys[0], await newKey('a'), await newKey('b')];
    const verifier = world.verifier();
    const [before, after, newest] = await Promise.all([old, renewed, next].map((key) => world.token({}, {}, key)));
    equal(await outcome(verifier.verify(before)), 'ok');
    equal(await outcome(verifier.verify(after)), 'invalid_token', 'the same kid, another key');
    world.advance(4);
    world.keys = [renewed, next];
    const load = Array.from({ length: 200 }, (_, n) => [before, after, newest][n % 3]);
    const answers = await Promise.all(load.map((token) => outcome(verifier.verify(token))));
    equal(
      answers.filter((_, n) => n % 3 === 2).every((answer) => answer === 'ok'),
      true,
      'the new kid',
    );
    equal(await outcome(verifier.verify(before)), 'invalid_token');
    equal(await outcome(verifier.verify(after)), 'ok');
  },

  async 'keys are read again after 5 minutes, behind an answer'(world) {
    const [verifier, behind] = [world.verifier(), []];
    const waitUntil = (promise) => behind.push(promise);
    const token = await world.token();
    await verifier.verify(token, { waitUntil });
    world.advance(301);
    world.mode.jwks = 'down';
    equal(await outcome(verifier.verify(token, { waitUntil })), 'ok', 'keys do not become worse by age');
    await Promise.all(behind);
    equal(world.asked.jwks, 2);
    await verifier.verify(token, { waitUntil });
    equal(world.asked.jwks, 2, 'not at each request');
  },

  async 'a withdrawn key is refused though the key set still has it'(world) {
    const verifier = world.verifier();
    const token = await world.token();
    equal(await outcome(verifier.verify(token)), 'ok');
    world.withdrawn = ['a'];
    world.advance(2);
    equal(await outcome(verifier.verify(token)), 'invalid_token');
    [world.withdrawn, world.epoch] = [[], 2];
    world.advance(2);
    equal(await outcome(verifier.verify(token)), 'invalid_token', 'for as long as this runs');
    world.advance(961);
    equal(
      await outcome(verifier.verify(await world.token())),
      'invalid_token',
      'also when the whole list is read again',
    );
  },

  async 'an ended session is refused with its reason, and an unchanged list is not sent again'(world) {
    const verifier = world.verifier();
    const [ended, kept] = [await world.token({ sid: 'ended' }), await world.token({ sid: 'kept' })];
    equal(await outcome(verifier.verify(ended)), 'ok');
    world.advance(2);
    await verifier.verify(kept);
    equal(world.asked, { jwks: 1, list: 2, unchanged: 1, token: 0 });
    world.end('ended', 'revoked_by_user');
    world.advance(2);
    equal(await outcome(verifier.verify(ended)), 'session_revoked revoked_by_user');
    equal(await outcome(verifier.verify(kept)), 'ok');
    world.advance(800);
    equal(await outcome(verifier.verify(ended)), 'session_revoked revoked_by_user', 'as long as the token runs');
    world.advance(200);
    equal(
      await outcome(verifier.verify(ended)),
      'session_revoked revoked_by_user',
      'the truth, also when it has run out',
    );
    equal(await outcome(verifier.verify(await world.token({ sid: 'ended' }))), 'session_revoked revoked_by_user');
  },

  async 'a long list comes in pages, at the start and later'(world) {
    for (let n = 0; n < 2_500; n++) world.end(`s${n}`);
    const verifier = world.verifier();
    equal(await outcome(verifier.verify(await world.token({ sid: 's2499' }))), 'session_revoked signed_out');
    equal(world.asked.list, 3);
    for (let n = 2_500; n < 5_000; n++) world.end(`s${n}`);
    world.advance(2);
    equal(await outcome(verifier.verify(await world.token({ sid: 's4999' }))), 'session_revoked signed_out');
    equal(await outcome(verifier.verify(await world.token({ sid: 's0' }))), 'session_revoked signed_out');
    equal(await outcome(verifier.verify(await world.token())), 'ok');
  },

  async 'an issuer that started anew tells everything again'(world) {
    const verifier = world.verifier();
    await verifier.verify(await world.token());
    [world.epoch, world.ends] = [2, []];
    world.end('ended');
    world.advance(2);
    equal(await outcome(verifier.verify(await world.token({ sid: 'ended' }))), 'session_revoked signed_out');
  },

  async 'what no token can contradict any more is forgotten'(world) {
    const verifier = world.verifier();
    world.end('ended');
    await outcome(verifier.verify(await world.token()));
    [world.ends, world.epoch] = [[], 2];
    world.advance(2);
    equal(await outcome(verifier.verify(await world.token({ sid: 'ended' }))), 'session_revoked signed_out');
    world.advance(961);
    equal(await outcome(verifier.verify(await world.token({ sid: 'ended' }))), 'ok', 'the whole list was read again');
  },

  async 'stale-while-revalidate: from half of maxAge behind an answer, from maxAge on before it'(world) {
    const [verifier, behind] = [world.verifier({ maxAge: 10 }), []];
    const waitUntil = (promise) => behind.push(promise);
    const [ended, kept] = [await world.token({ sid: 'ended' }), await world.token()];
    const ask = (token) => outcome(verifier.verify(token, { waitUntil }));
    await ask(kept);
    world.end('ended');
    world.advance(5);
    equal(await ask(ended), 'ok');
    equal(world.asked.list, 1, 'no question yet');
    world.advance(1);
    await ask(ended);
    await Promise.all(behind);
    equal(world.asked.list, 2);
    equal(await ask(ended), 'session_revoked signed_out');
    world.end('a-session');
    world.advance(10.001);
    equal(await ask(kept), 'session_revoked signed_out', 'it waited for the answer');
    world.advance(6);
    const before = world.asked.list;
    await verifier.verify(await world.token({ sid: 'another' }));
    world.end('another');
    equal(world.asked.list, before + 1);
    world.advance(6);
    world.mode.list = (answer) => new Promise((resolve) => setTimeout(resolve, 50, answer));
    const answer = await outcome(verifier.verify(await world.token({ sid: 'another' })));
    equal(answer, 'session_revoked signed_out', 'without waitUntil, which could be stopped, it waits');
  },

  async 'out of reach for longer than staleAfter it fails closed, and catches up'(world) {
    for (const mode of ['down', () => new Response('busy', { status: 503 }), () => Response.json({ items: [] })]) {
      const verifier = world.verifier();
      const token = await world.token();
      equal(await outcome(verifier.verify(token)), 'ok');
      world.mode.list = mode;
      for (const seconds of [2, 13, 15]) {
        world.advance(seconds);
        equal(await outcome(verifier.verify(token)), 'ok', 'up to 30 s');
      }
      world.advance(0.001);
      equal(await outcome(verifier.verify(token)), 'verifier_stale');
      equal(await outcome(verifier.verify('rubbish')), 'invalid_token');
      equal(await outcome(verifier.verify(await world.token({ exp: 1 }))), 'invalid_token');
      world.ends = [];
      world.end('a-session');
      world.mode = {};
      world.advance(1);
      equal(await outcome(verifier.verify(token)), 'session_revoked signed_out');
      world.ends = [];
      world.epoch += 1;
    }
  },

  async 'while the issuer is out of reach it is asked once a second, and nobody waits'(world) {
    const verifier = world.verifier();
    const token = await world.token();
    await verifier.verify(token);
    world.mode.list = 'down';
    world.advance(2);
    await verifier.verify(token);
    const before = world.asked.list;
    for (let n = 0; n < 100; n++) await verifier.verify(token);
    equal(world.asked.list, before);
    world.mode.list = 'silent';
    world.advance(2);
    const late = new Promise((resolve) => setTimeout(resolve, 1_000, 'late'));
    equal(await Promise.race([outcome(verifier.verify(token, { waitUntil() {} })), late]), 'ok');
  },

  async 'after an error the whole list is read again'(world) {
    const [verifier, token] = [world.verifier(), await world.token()];
    await verifier.verify(token);
    world.mode.list = () => Response.json({ items: [{}] });
    world.advance(2);
    await verifier.verify(token);
    equal(world.requests.at(-1).url.endsWith('?since=1-0'), true);
    world.mode = {};
    world.advance(2);
    await verifier.verify(token);
    const { url, headers } = world.requests.at(-1);
    equal([url, headers.get('if-none-match')], [`${ISSUER}/api/v1/revocations`, null]);
  },

  async 'without any answer nobody is let in'(world) {
    const token = await world.token();
    for (const mode of [{ all: 'down' }, { list: 'down' }, { jwks: 'down' }]) {
      world.mode = mode;
      const verifier = world.verifier();
      for (let n = 0; n < 3; n++) {
        equal(await outcome(verifier.verify(token)), 'verifier_stale');
        world.advance(1);
      }
      world.mode = {};
      world.advance(3);
      equal(await outcome(verifier.verify(token)), 'ok');
    }
  },

  async 'an answer that can not be read is no answer'(world) {
    const token = await world.token();
    const good = { items: [], withdrawn_keys: [], next_cursor: '1-0', retain_for: 960 };
    const bad = [
      { ...good, items: [{ sid: 7, reason: 'signed_out' }] },
      { ...good, items: [{ sid: 'ended' }] },
      { ...good, items: [null] },
      { ...good, items: undefined },
      { ...good, withdrawn_keys: undefined },
      { ...good, withdrawn_keys: [7] },
      { ...good, next_cursor: null },
      { ...good, retain_for: undefined },
      { ...good, retain_for: -1 },
      { ...good, retain_for: '960s' },
      [],
      null,
    ];
    for (const body of bad) {
      world.mode.list = () => Response.json(body);
      equal(await outcome(world.verifier().verify(token)), 'verifier_stale', JSON.stringify(body));
    }
    const redirect = () => new Response(null, { status: 302, headers: { location: 'https://attacker.example' } });
    for (const answer of [() => new Response('<html>'), redirect, () => new Response(null, { status: 304 })]) {
      world.mode.list = answer;
      equal(await outcome(world.verifier().verify(token)), 'verifier_stale');
    }
    world.mode = { jwks: redirect };
    equal(await outcome(world.verifier().verify(token)), 'verifier_stale');
    equal(
      world.requests.every(({ init }) => init.redirect === 'manual'),
      true,
    );
  },

  async 'many requests at the start share one fetch of each'(world) {
    const [verifier, token] = [world.verifier(), await world.token()];
    const answers = await Promise.all(Array.from({ length: 200 }, () => outcome(verifier.verify(token))));
    equal(new Set(answers).size, 1);
    equal([answers[0], world.asked.jwks, world.asked.list], ['ok', 1, 1]);
  },

  async 'a fetch that falls silent is given up, and changes nothing when it comes back late'(world) {
    const [verifier, token] = [world.verifier({ maxAge: 10 }), await world.token()];
    await verifier.verify(token);
    let arrive;
    world.mode.list = (answer) => new Promise((resolve) => (arrive = () => resolve(answer)));
    world.advance(8);
    await verifier.verify(token, { waitUntil() {} });
    await new Promise((resolve) => setTimeout(resolve, 10));
    // Meanwhile the session ends; whoever comes next, once the first fetch is given up, learns of it.
    world.mode = {};
    world.end('a-session');
    world.advance(6);
    equal(await outcome(verifier.verify(token)), 'session_revoked signed_out');
    const { url } = world.requests.at(-1);
    arrive();
    await new Promise((resolve) => setTimeout(resolve, 10));
    world.advance(11);
    equal(await outcome(verifier.verify(token)), 'session_revoked signed_out');
    equal(url.endsWith('since=1-0'), true);
    equal(world.requests.at(-1).url.endsWith('since=1-1'), true, 'never back to an older cursor');
  },

  async 'a storage that lags by 60 s does not keep an ended session alive'(world) {
    const storage = new LaggingStorage(world);
    const token = await world.token();
    world.end('ended-before');
    equal(await outcome(world.verifier({ storage }).verify(token, { waitUntil() {} })), 'ok');
    world.advance(61);
    world.end('a-session');
    const fresh = world.verifier({ storage });
    equal(await outcome(fresh.verify(token)), 'session_revoked signed_out');
    equal(world.requests.at(-1).url.endsWith('since=1-1'), true, 'it did start from what was stored');
    equal(await outcome(fresh.verify(await world.token({ sid: 'ended-before' }))), 'session_revoked signed_out');
    equal(storage.writes, 2, 'at most once a minute from each');
    // One that has a list of its own doesn't go back to what is stored.
    world.advance(2);
    await outcome(fresh.verify(token));
    equal(world.requests.at(-1).url.endsWith('since=1-2'), true);
    equal(storage.writes, 2);
  },

  async 'a storage never lets anybody in: without the issuer it fails closed'(world) {
    const storage = new LaggingStorage(world, 0);
    const token = await world.token();
    await world.verifier({ storage }).verify(token);
    world.mode.list = 'down';
    equal(await outcome(world.verifier({ storage }).verify(token)), 'verifier_stale');
  },

  async 'what a storage holds may be rubbish, of the future, or nothing'(world) {
    const token = await world.token({ sid: 'ended' });
    world.end('ended');
    const list = {
      ended: [],
      withdrawn: [],
      cursor: '1-1',
      etag: 'x',
      retainFor: 960_000,
      age: 0,
      savedAt: world.time,
    };
    const rubbish = [
      'rubbish',
      'null',
      '[]',
      '{}',
      JSON.stringify({ ...list, savedAt: world.time + 60_000 }),
      JSON.stringify({ ...list, savedAt: world.time - 961_000 }),
      JSON.stringify({ ...list, retainFor: undefined }),
      JSON.stringify({ ...list, cursor: 7 }),
      JSON.stringify({ ...list, withdrawn: undefined }),
    ];
    for (const value of rubbish) {
      const storage = { get: async () => value, put: async () => {} };
      equal(await outcome(world.verifier({ storage }).verify(token)), 'session_revoked signed_out', value);
    }
    const fail = async () => {
      throw new Error('out of order');
    };
    equal(
      await outcome(world.verifier({ storage: { get: fail, put: fail } }).verify(token)),
      'session_revoked signed_out',
    );
  },

  async 'a storage that never answers shuts nobody out for long'(world) {
    const silent = () => new Promise(() => {});
    const [verifier, token] = [world.verifier({ storage: { get: silent, put: silent } }), await world.token()];
    outcome(verifier.verify(token));
    await new Promise((resolve) => setTimeout(resolve, 10));
    world.advance(6);
    equal(await outcome(verifier.verify(token)), 'ok');
  },

  async 'the service secret goes to the list alone'(world) {
    const verifier = world.verifier({ serviceSecret: 'a-secret', ...PAGES });
    await verifier.verify(await world.token());
    await verifier.signIn(request('/sign-in'));
    const shown = world.requests.filter(({ headers }) => headers.get('authorization') === 'Bearer a-secret');
    equal([shown.length, world.requests.length], [1, 3]);
    equal(shown[0].url, `${ISSUER}/api/v1/revocations`);
  },

  async 'options that make no sense are refused at the start'() {
    const good = { url: ISSUER, audience: AUDIENCE };
    const bad = [
      { url: 'login.example' },
      { url: undefined },
      { audience: '' },
      { serviceSecret: 'a b' },
      { staleAfter: NaN },
      { staleAfter: Infinity },
      { staleAfter: -1 },
      { maxAge: 31 },
      { maxAge: -1 },
      { clockTolerance: 61 },
      { clockTolerance: -1 },
      { cookie: 'a=b' },
      { signIn: '/sign-in' },
      { ...PAGES, signIn: 'https://login.example/login' },
      { ...PAGES, signIn: '//login.example' },
      { ...PAGES, signIn: '/sign-in?a=b' },
      { ...PAGES, login: 'https://login.example/login' },
    ];
    for (const options of bad) {
      let error;
      try {
        new Verifier({ ...good, ...options });
      } catch (thrown) {
        error = thrown;
      }
      equal(error instanceof TypeError, true, JSON.stringify(options));
    }
  },

  async 'issuer, audience and scope are exact'(world) {
    const verifier = world.verifier({ issuer: 'https://other.example', audience: 'shop' });
    equal(await outcome(verifier.verify(await world.token({ iss: 'https://other.example', aud: 'shop' }))), 'ok');
    equal(await outcome(verifier.verify(await world.token({ aud: 'shop' }))), 'invalid_token');
    equal(await outcome(verifier.verify(await world.token({ iss: 'https://other.example' }))), 'invalid_token');
    const own = world.verifier();
    for (const [scope, wanted] of [
      ['account:read', 'ok'],
      ['account', 'insufficient_scope'],
      ['read', 'insufficient_scope'],
    ]) {
      const asked = request('/', bearer(await world.token()));
      equal(await outcome(own.authenticate(asked, { scope })), wanted, scope);
    }
  },

  async 'refusals are the answers of the server: problem+json, with the challenge of RFC 6750'(world) {
    world.end('ended', 'device_limit');
    const verifier = world.verifier();
    const answer = async (headers, scope) => {
      const { response } = await verifier.protect(request('/api/orders', headers), { prefix: '/api', scope });
      const { status, code, reason, type, title } = await response.json();
      equal(
        [response.headers.get('content-type'), type, status],
        ['application/problem+json', 'about:blank', response.status],
      );
      equal([response.headers.get('cache-control'), typeof title], ['no-store', 'string']);
      return [status, response.headers.get('www-authenticate'), code, reason ?? null];
    };
    equal(await answer({}), [401, 'Bearer', 'unauthenticated', null]);
    equal(await answer(bearer('rubbish')), [401, INVALID, 'invalid_token', null]);
    equal(await answer(bearer(await world.token({ sid: 'ended' }))), [401, INVALID, 'session_revoked', 'device_limit']);
    const challenge = 'Bearer error="insufficient_scope", scope="admin"';
    equal(await answer(bearer(await world.token()), 'admin'), [403, challenge, 'insufficient_scope', null]);
    world.mode.all = 'down';
    world.advance(60);
    equal(await answer(bearer(await world.token())), [503, null, 'verifier_stale', null]);
    equal(new Rejected('verifier_stale').toResponse().headers.get('retry-after'), '5');
    equal(new Rejected('session_revoked').toResponse().headers.get('retry-after'), null);
  },

  async 'protect lets in whoever has a token, and looks at no other path'(world) {
    const [verifier, token] = [world.verifier(PAGES), await world.token()];
    const protect = (path, headers, method) =>
      verifier.protect(request(path, headers, method), { prefix: '/dashboard', scope: 'account:read' });
    for (const headers of [bearer(token), withCookie(token), { ...NAVIGATION, ...withCookie(token) }]) {
      const { claims, response } = await protect('/dashboard/orders?id=7', headers);
      equal([claims.sub, response], ['a-user', undefined]);
    }
    for (const path of ['/', '/dashboards', '/dash', '/public/dashboard', '/sign-in', '/%64']) {
      equal(await protect(path, {}), {}, path);
    }
    equal(await verifier.protect(request('/sign-in?next=/x')), {}, 'the way in stays open where all is protected');
    const { response } = await verifier.protect(request('/anything'));
    equal(response.status, 401, 'without a prefix, everything');
  },

  async 'no spelling of a path gets around its prefix'(world) {
    const verifier = world.verifier();
    const under = [
      '/dashboard',
      '/dashboard/',
      '/dashboard/x',
      '/DashBoard',
      '/%64ashboard',
      '/%2564ashboard',
      '/dashboard%2fx',
      '//dashboard',
      '/\\dashboard',
      '/.//dashboard',
      '/public/%2e%2e/dashboard',
      '/public/..%2fdashboard',
      '/public/..%5cdashboard',
      '/dashboard/..%2fpublic',
      '/dashboard//x',
      '/dashboard/%zz',
      '/%2525252525252564ashboard',
    ];
    for (const path of under) {
      const asked = new Request(`https://shop.example${path}`);
      const { response } = await verifier.protect(asked, { prefix: '/dashboard/' });
      equal(response?.status, 401, path);
    }
    const japanese = await verifier.protect(request('/注文/一覧'), { prefix: '/注文' });
    equal(japanese.response?.status, 401);
    const decoded = `https://shop.example/%${'25'.repeat(1_000)}64`;
    equal(
      (await verifier.protect(new Request(decoded), { prefix: '/dashboard' })).response.status,
      401,
      'bounded work',
    );
  },

  async 'a person who goes to a page is sent to sign in and back, and nobody else is'(world) {
    const [verifier, bad] = [world.verifier(PAGES), await world.token({ exp: 1 })];
    const protect = async (path, headers, method) =>
      (await verifier.protect(request(path, headers, method), { prefix: '/dashboard', scope: 'admin' })).response;
    const old = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' };
    for (const headers of [
      NAVIGATION,
      old,
      { ...NAVIGATION, ...withCookie('rubbish') },
      { ...NAVIGATION, ...withCookie(bad) },
    ]) {
      for (const method of ['GET', 'HEAD']) {
        const response = await protect('/dashboard/orders?id=7&x=%26', headers, method);
        equal([response.status, response.headers.get('cache-control')], [303, 'no-store']);
        equal(response.headers.get('location'), '/sign-in?next=%2Fdashboard%2Forders%3Fid%3D7%26x%3D%2526');
      }
    }
    const never = [
      [{}, 'GET'],
      [{ accept: '*/*' }, 'GET'],
      [{ accept: 'application/json' }, 'GET'],
      [NAVIGATION, 'POST'],
      [old, 'PUT'],
      [{ ...NAVIGATION, 'sec-fetch-mode': 'cors', 'sec-fetch-dest': 'empty' }, 'GET'],
      [{ ...NAVIGATION, 'sec-fetch-dest': 'iframe' }, 'GET'],
      [{ ...NAVIGATION, ...bearer(bad) }, 'GET'],
      [{ ...NAVIGATION, authorization: '' }, 'GET'],
    ];
    for (const [headers, method] of never) {
      equal((await protect('/dashboard', headers, method)).status, 401, JSON.stringify(headers));
    }
    const lacking = await protect('/dashboard', { ...NAVIGATION, ...withCookie(await world.token()) });
    equal(lacking.status, 403, 'to sign in again would not help');
    world.mode.all = 'down';
    world.advance(60);
    const out = await protect('/dashboard', { ...NAVIGATION, ...withCookie(await world.token()) });
    equal(out.status, 503, 'out of reach is not signed out');
    const api = (await world.verifier().protect(request('/dashboard', NAVIGATION))).response;
    equal(api.status, 401, 'an app without a sign-in page');
  },

  async 'the way back is a path of this origin'(world) {
    const verifier = world.verifier(PAGES);
    const location = async (url) => {
      const { response } = await verifier.protect(new Request(url, { headers: NAVIGATION }));
      return response.headers.get('location');
    };
    equal(await location('https://shop.example//evil.example/x'), '/sign-in');
    equal(await location(`https://shop.example/${'x'.repeat(3_000)}`), '/sign-in');
    equal(
      await location('https://shop.example/a?next=https://evil.example'),
      '/sign-in?next=%2Fa%3Fnext%3Dhttps%3A%2F%2Fevil.example',
    );
    for (const own of ['/', '/devices', '/account?done=saved#x', '/日本語']) equal(localPath(own), own);
    const foreign = [
      '//evil.example',
      '/\\evil.example',
      '\\/evil',
      'https://evil.example',
      'javascript:alert(1)',
      'evil',
      '',
    ];
    for (const path of [...foreign, '/\t/evil.example', '/\n/evil.example', '/a\\b', ' /x', '/\0', null, undefined]) {
      equal(localPath(path), '/', JSON.stringify(path));
    }
  },

  async 'a loop of redirects ends with a 401'(world) {
    const verifier = world.verifier(PAGES);
    const statuses = [];
    let headers = NAVIGATION;
    for (let n = 0; n < 7; n++) {
      const { response } = await verifier.protect(request('/a;b/c', headers));
      statuses.push(response.status);
      const set = response.headers.get('set-cookie');
      if (set) {
        equal(
          /^sekisho-redirects=\d; Max-Age=30; Path=\/a%3Bb\/c; HttpOnly; SameSite=Lax; Secure$/.test(set),
          true,
          set,
        );
        headers = { ...NAVIGATION, cookie: set.split(';')[0] };
      }
    }
    equal(statuses, [303, 303, 303, 303, 303, 401, 401]);
  },

  async 'a malformed header or cookie never passes, and never falls back to the other one'(world) {
    const [verifier, token] = [world.verifier(PAGES), await world.token()];
    const never = async (headers) => {
      const { claims, response } = await verifier.protect(request('/dashboard', headers));
      equal([claims, response.status], [undefined, 401], JSON.stringify(headers).slice(0, 200));
    };
    for (const value of [
      '',
      ' ',
      'Bearer',
      'Basic YTpi',
      token,
      `Bearer ${token}, Bearer ${token}`,
      `Bearer "${token}"`,
    ]) {
      await never({ authorization: value });
      await never({ authorization: value, ...withCookie(token) });
    }
    const broken = [
      '',
      'orders',
      'orders=',
      'orders',
      `Orders=${token}`,
      `xorders=${token}`,
      `orders =${token}`,
      `orders="${token}"`,
      `orders=${token}; orders=${token}`,
      `orders=${token}; orders=`,
      `orders=x; orders=${token}`,
      `orders=${token},orders=${token}`,
      `orders=${token}=`,
      `orders=${token} x`,
      `orders=${encodeURIComponent(`Bearer ${token}`)}`,
      `orders=${token.slice(0, -1)}`,
      `=${token}`,
      ';;;=;orders',
    ];
    for (const cookie of broken) await never({ cookie });
    let seed = 7;
    const random = (below) => (seed = (seed * 48_271) % 2_147_483_647) % below;
    for (let n = 0; n < 500; n++) {
      const at = random(token.length);
      const character = String.fromCharCode(33 + random(94));
      if (character === token[at]) continue;
      const changed = token.slice(0, at) + character + token.slice(at + random(2));
      if (changed === token) continue;
      await never({ cookie: `orders=${changed}` });
      await never({ authorization: `Bearer ${changed}` });
    }
    const { claims } = await verifier.protect(request('/dashboard', { cookie: ` a=b;orders=${token} ; c` }));
    equal(claims.sub, 'a-user');
    equal(
      (await world.verifier().protect(request('/', withCookie(token)))).response.status,
      401,
      'no cookie is configured',
    );
  },

  async 'a cookie writes only from the same origin'(world) {
    const [verifier, token] = [world.verifier(PAGES), await world.token()];
    const post = async (headers) => {
      const { response } = await verifier.protect(request('/dashboard', { ...withCookie(token), ...headers }, 'POST'));
      return response ? (await response.json()).code : 'ok';
    };
    for (const headers of [{ 'sec-fetch-site': 'same-origin' }, { origin: 'https://shop.example' }, {}]) {
      equal(await post(headers), 'ok', JSON.stringify(headers));
    }
    const forged = [
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site', origin: 'https://shop.example' },
    ];
    for (const headers of [
      ...forged,
      { origin: 'https://evil.example' },
      { origin: 'null' },
      { origin: 'http://shop.example' },
    ]) {
      equal(await post(headers), 'cross_origin', JSON.stringify(headers));
      equal(await post({ ...headers, ...bearer(token) }), 'ok', 'no browser sends a header unasked');
    }
  },

  async 'signing in on one host takes a token for the session into the cookie, and goes back'(world) {
    const verifier = world.verifier(PAGES);
    const token = await world.token();
    world.mode.token = () => Response.json({ access_token: token, expires_in: 900 });
    const cookie = 'theme=dark; __Host-sekisho=secret; orders=old; notsekisho=x';
    const back = await verifier.signIn(
      request('/sign-in?next=%2Fdashboard%3Fid%3D7', { cookie, origin: 'https://evil.example' }),
    );
    equal(
      [back.status, back.headers.get('location'), back.headers.get('cache-control')],
      [303, '/dashboard?id=7', 'no-store'],
    );
    equal(back.headers.get('set-cookie'), `orders=${token}; Max-Age=900; Path=/; HttpOnly; SameSite=Lax; Secure`);
    const { url, headers, init } = world.requests.at(-1);
    equal([url, init.method, init.body], [`${ISSUER}/session/token`, 'POST', '{"audience":"orders"}']);
    equal([headers.get('cookie'), headers.get('origin')], ['__Host-sekisho=secret', null]);
    for (const next of ['//evil.example', 'https://evil.example', '/%5Cevil.example']) {
      const answer = await verifier.signIn(request(`/sign-in?next=${next}`, { cookie }));
      equal(answer.headers.get('location'), '/', next);
    }
    world.mode.token = undefined;
    const first = await verifier.signIn(request('/sign-in?next=/dashboard'));
    equal([first.status, first.headers.get('set-cookie')], [303, null]);
    equal(first.headers.get('location'), '/login?next=%2Fsign-in%3Fnext%3D%252Fdashboard');
    for (const mode of ['down', () => new Response('busy', { status: 503 }), () => new Response('<html>')]) {
      world.mode.token = mode;
      equal((await verifier.signIn(request('/sign-in', { cookie }))).status, 503);
    }
    world.mode.token = () => Response.json({ code: 'email_unverified' }, { status: 403 });
    const refused = await verifier.signIn(request('/sign-in', { cookie }));
    equal([refused.status, (await refused.json()).code], [403, 'email_unverified']);
    equal((await verifier.signIn(request('/sign-in', {}, 'POST'))).status, 405);
  },
};

/** Runs one test; returns what went wrong. */
export async function run(name) {
  const error = console.error;
  console.error = () => {};
  try {
    await tests[name](await World.create());
    return undefined;
  } catch (thrown) {
    return thrown.stack ?? String(thrown);
  } finally {
    World.restore();
    console.error = error;
  }
}
