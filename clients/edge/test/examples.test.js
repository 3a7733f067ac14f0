// The examples, against an issuer that answers over HTTP: the Worker in workerd, the middleware in the Edge Runtime's
// sandbox. What the real server answers is tested by end2end/tests/clients.spec.ts.
import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { once } from 'node:events';
import { createServer, request as send } from 'node:http';
import { after, before, beforeEach, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { EdgeVM } from '@edge-runtime/vm';
import { build } from 'esbuild';
import { Miniflare } from 'miniflare';

const path = (name) => fileURLToPath(new URL(name, import.meta.url));
const encode = (part) => Buffer.from(JSON.stringify(part)).toString('base64url');
const NAVIGATION = { 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' };
const { publicKey, privateKey } = generateKeyPairSync('ed25519');
const jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'a', alg: 'EdDSA', use: 'sig' };

const issuer = { ends: [], asked: {}, delay: 0, signedIn: undefined };
const server = createServer(async (request, response) => {
  const { pathname } = new URL(request.url, 'http://issuer');
  issuer.asked[pathname] = (issuer.asked[pathname] ?? 0) + 1;
  issuer.last = request;
  await sleep(issuer.delay);
  const json = (status, body) =>
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  const position = { next_cursor: `1-${issuer.ends.length}`, retain_for: 960 };
  if (pathname === '/.well-known/jwks.json') return json(200, { keys: [jwk] });
  if (pathname === '/api/v1/revocations') return json(200, { items: issuer.ends, withdrawn_keys: [], ...position });
  if (pathname !== '/session/token') return response.end(`Sekisho's ${request.method} ${request.url}`);
  if (request.headers.cookie !== `sekisho=${issuer.signedIn}`) return json(401, {});
  json(200, { access_token: token({ sid: issuer.signedIn }), expires_in: 900 });
});

function token(claims = {}) {
  const now = Math.floor(Date.now() / 1_000);
  const who = { sub: 'ada', sid: 's', jti: 'j', client_id: 'api', scope: 'account:read', roles: ['user'] };
  const all = { iss: issuer.url, aud: 'orders', iat: now, exp: now + 900, ...who, ...claims };
  const message = `${encode({ typ: 'at+jwt', alg: 'EdDSA', kid: 'a' })}.${encode(all)}`;
  return `${message}.${sign(null, Buffer.from(message), privateKey).toString('base64url')}`;
}

async function bundle(entryPoint, options) {
  const { outputFiles } = await build({ entryPoints: [path(entryPoint)], bundle: true, write: false, ...options });
  return outputFiles[0].text;
}

const started = [];
async function startWorker() {
  const miniflare = new Miniflare({
    modules: true,
    script: await bundle('../examples/worker/worker.js', { format: 'esm' }),
    compatibilityDate: '2025-01-01',
    bindings: { ISSUER_URL: issuer.url, AUDIENCE: 'orders', COOKIE: 'orders' },
    kvNamespaces: ['REVOCATIONS'],
  });
  started.push(miniflare);
  return miniflare;
}

/** A request by hand, as `fetch` doesn't let anybody set `Sec-Fetch-Mode`, and follows redirects. */
async function askWorker(miniflare, at, { method = 'GET', headers, body } = {}) {
  const request = send(new URL(at, await miniflare.ready), { method, headers: { host: 'shop.example', ...headers } });
  const [response] = await once(request.end(body), 'response');
  const text = Buffer.concat(await response.toArray()).toString();
  return new Response(text, { status: response.statusCode, headers: response.headers });
}

before(async () => {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  issuer.url = `http://127.0.0.1:${server.address().port}`;
});
beforeEach(() => Object.assign(issuer, { ends: [], asked: {}, delay: 0, signedIn: undefined }));
after(async () => {
  await Promise.all(started.map((miniflare) => miniflare.dispose()));
  server.close();
  server.closeAllConnections();
});

test('the Worker answers its API, and refuses an ended session within a second', async () => {
  const worker = await startWorker();
  const whoami = (headers) => askWorker(worker, '/whoami', { headers });
  const [mine, another] = [
    { authorization: `Bearer ${token()}` },
    { authorization: `Bearer ${token({ sid: 'another' })}` },
  ];
  assert.deepEqual(await (await whoami(mine)).json(), { sub: 'ada', sid: 's', roles: ['user'], scope: 'account:read' });
  assert.equal((await whoami({})).headers.get('www-authenticate'), 'Bearer');
  issuer.ends.push({ sid: 's', reason: 'signed_out' });
  const end = Date.now() + 1_000;
  let answer;
  do {
    answer = await (await whoami(mine)).json();
    await sleep(20);
  } while (answer.sub && Date.now() < end);
  assert.deepEqual([answer.code, answer.reason], ['session_revoked', 'signed_out']);
  assert.equal((await whoami(another)).status, 200);
});

test('the Worker sends a person to sign in and back, and leaves all other paths to Sekisho', async () => {
  const worker = await startWorker();
  const go = (at, cookie = '') => askWorker(worker, at, { headers: { ...NAVIGATION, cookie } });
  const location = async (answer) => (await answer).headers.get('location');
  const signIn = await location(go('/dashboard?id=7'));
  assert.equal(signIn, '/sign-in?next=%2Fdashboard%3Fid%3D7');
  const login = await location(go(signIn));
  assert.equal(login, '/login?next=%2Fsign-in%3Fnext%3D%252Fdashboard%253Fid%253D7');
  assert.equal(await (await go(login)).text(), `Sekisho's GET ${login}`);
  // Signed in there, the browser follows `next`.
  issuer.signedIn = 'a-session';
  assert.equal(new URL(login, 'http://shop.example').searchParams.get('next'), signIn);
  const back = await go(signIn, 'sekisho=a-session; theme=dark');
  assert.equal(back.headers.get('location'), '/dashboard?id=7');
  const cookie = back.headers.get('set-cookie').split(';')[0];
  assert.equal(await (await go('/dashboard?id=7', cookie)).text(), 'Hello, ada');
  const put = await askWorker(worker, '/api/v1/me?x=1', { method: 'PATCH', body: '{}' });
  assert.equal(await put.text(), "Sekisho's PATCH /api/v1/me?x=1");
  const forged = await askWorker(worker, '/login', { headers: { 'x-forwarded-for': '192.0.2.1' } });
  assert.equal(forged.status, 200);
  assert.notEqual(issuer.last.headers['x-forwarded-for'], '192.0.2.1');
});

test('in workerd requests share one fetch, and survive that the one that began it is cut off', async () => {
  const worker = await startWorker();
  const url = await worker.ready;
  const headers = { authorization: `Bearer ${token()}` };
  issuer.delay = 300;
  const cut = new AbortController();
  const first = fetch(new URL('/whoami', url), { headers, signal: cut.signal }).catch(() => 'cut off');
  await sleep(100);
  const others = Array.from({ length: 50 }, () => fetch(new URL('/whoami', url), { headers }));
  await sleep(50);
  cut.abort();
  assert.equal(await first, 'cut off');
  for (const answer of await Promise.all(others)) assert.equal(answer.status, 200);
  assert.equal(issuer.asked['/.well-known/jwks.json'], 1);
  assert.ok(issuer.asked['/api/v1/revocations'] <= 2, 'one more where the machine is slow');
});

test('the Worker keeps the list in KV for isolates that start', async () => {
  const worker = await startWorker();
  issuer.ends.push({ sid: 'ended', reason: 'signed_out' });
  await askWorker(worker, '/whoami', { headers: { authorization: `Bearer ${token()}` } });
  const kv = await worker.getKVNamespace('REVOCATIONS');
  const stored = JSON.parse(await kv.get(`sekisho:revocations:${issuer.url}`));
  assert.deepEqual([stored.ended, stored.cursor], [[['ended', 'signed_out']], '1-1']);
});

test('the Next.js middleware redirects people, answers programs 401, and lets through who is signed in', async () => {
  const vm = new EdgeVM();
  const env = { ISSUER_URL: issuer.url, AUDIENCE: 'orders', NODE_ENV: 'production' };
  const define = { 'process.env': JSON.stringify(env) };
  const entry = '../examples/next-middleware/middleware.js';
  vm.evaluate(`${await bundle(entry, { format: 'iife', globalName: 'next', define })}; globalThis.next = next;`);
  vm.context.ask = undefined;
  vm.evaluate(`globalThis.ask = async (path, headers) => {
    const behind = [];
    const event = { waitUntil: (promise) => behind.push(promise) };
    const response = await next.middleware(new Request('https://shop.example' + path, { headers }), event);
    await Promise.all(behind);
    return response && { status: response.status, headers: Object.fromEntries(response.headers) };
  }`);
  const ask = (at, headers = {}) => vm.context.ask(at, headers);
  const page = await ask('/dashboard/orders', NAVIGATION);
  assert.equal(page.status, 303);
  assert.equal(
    page.headers.location,
    'https://shop.example/sign-in?next=%2Fdashboard%2Forders',
    'absolute, as Next demands',
  );
  assert.equal((await ask('/api/orders', { accept: 'application/json' })).status, 401);
  assert.equal(await ask('/api/orders', { authorization: `Bearer ${token()}` }), undefined);
  assert.equal(await ask('/dashboard', { ...NAVIGATION, cookie: `__Host-orders=${token()}` }), undefined);
  assert.equal((await ask('/dashboard', { ...NAVIGATION, cookie: `__Host-orders=${token()}x` })).status, 303);
});

test('the module is below 8 kB, minified and gzipped', async () => {
  const minified = await bundle('../verifier.js', { format: 'esm', minify: true });
  const size = gzipSync(minified, { level: 9 }).length;
  assert.ok(size < 8_000, `${size} bytes`);
  assert.doesNotMatch(
    minified,
    /\bimport\b|\brequire\b|node:|\bBuffer\b|\bprocess\b/,
    'nothing of Node, no dependency',
  );
});
