// The services in clients/ verify tokens without asking the server about each one, and must still refuse an
// ended session within a second. The same tests for each. They are built before: see clients/README.md.
import { spawn } from 'node:child_process';
import { createHmac, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { once } from 'node:events';
import { createServer as createHttpServer, type ServerResponse } from 'node:http';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import type { Api, Tokens } from '../api';
import { test as base, expect } from '../fixtures';
import type { Person } from '../pages';

const ROOT = resolve(import.meta.dirname, '../..');
const SERVICES = {
  rust: ['target/release/examples/service'],
  node: ['node', 'clients/node/service.mjs'],
  python: ['/usr/bin/python3', 'clients/python/service.py'],
  'edge, in Node': ['node', 'clients/edge/examples/service.js', 'node'],
  'edge, in workerd': ['node', 'clients/edge/examples/service.js', 'workerd'],
};

/** What the services are called: end2end/server.ts tells the server. */
const AUDIENCE = 'orders';

type Settings = { ISSUER_URL: string; ISSUER?: string; STALE_AFTER?: string };
type Service = Awaited<ReturnType<typeof startService>>;

const test = base.extend<{ start: (name: keyof typeof SERVICES, settings: Settings) => Promise<Service> }>({
  /** Starts one of the services, and stops it after the test. */
  start: async ({}, use) => {
    const started: Service[] = [];
    await use(async (name, settings) => {
      const service = await startService(name, settings);
      started.push(service);
      return service;
    });
    for (const service of started) await service.stop();
  },
});

const UNAUTHENTICATED = { status: 401, challenge: 'Bearer', body: { code: 'unauthenticated' } };
const INVALID = { status: 401, challenge: 'Bearer error="invalid_token"', body: { code: 'invalid_token' } };
const STALE = { status: 503, challenge: null, retryAfter: '5', body: { code: 'verifier_stale' } };
const revoked = (reason: string) => ({ ...INVALID, body: { code: 'session_revoked', status: 401, reason } });
const within = (timeout: number) => ({ timeout, intervals: [20] });

for (const name of Object.keys(SERVICES) as (keyof typeof SERVICES)[]) {
  test.describe(name, () => {
    test('an ended session is refused within a second, and after a restart', async ({ api, user, start, baseURL }) => {
      const settings = { ISSUER_URL: baseURL! };
      const [kept, left, ended] = [await signIn(api, user), await signIn(api, user), await signIn(api, user)];
      const service = await start(name, settings);
      const { id: sub } = await (await api.get('me', kept)).json();
      for (const { service_token, session_id: sid } of [kept, left, ended]) {
        expect(await service.whoami(service_token)).toMatchObject({ status: 200, body: { sub, sid, roles: ['user'] } });
      }
      expect(await service.whoami(kept.access_token), "a token for the server's own API").toMatchObject(INVALID);
      expect((await api.get('me', { access_token: kept.service_token })).status(), 'and the other way round').toBe(401);
      expect(await service.whoami()).toMatchObject(UNAUTHENTICATED);
      for (const forged of ['rubbish', tamper(kept.service_token), kept.refresh_token]) {
        expect(await service.whoami(forged)).toMatchObject(INVALID);
      }

      await api.signOut(left);
      await expect.poll(() => service.whoami(left.service_token), within(1_000)).toMatchObject(revoked('signed_out'));
      expect((await service.whoami(kept.service_token)).status).toBe(200);

      await api.endAllOthers(user);
      const ask = () => service.whoami(ended.service_token);
      await expect.poll(ask, within(1_000)).toMatchObject(revoked('revoked_by_user'));

      await service.stop();
      const later = await signIn(api, user);
      await api.signOut(later);
      const fresh = await signIn(api, user);
      const restarted = await start(name, settings);
      expect(await restarted.whoami(ended.service_token)).toMatchObject(revoked('revoked_by_user'));
      expect(await restarted.whoami(later.service_token)).toMatchObject(revoked('signed_out'));
      expect((await restarted.whoami(fresh.service_token)).status).toBe(200);
    });

    test('without the server it closes the door, and then catches up', async ({ api, user, start, baseURL }) => {
      const line = await Line.to(baseURL!);
      const [kept, ended] = [await signIn(api, user), await signIn(api, user)];
      const service = await start(name, { ISSUER_URL: line.url, ISSUER: baseURL!, STALE_AFTER: '1' });
      expect((await service.whoami(ended.service_token)).status).toBe(200);

      line.cut();
      await api.signOut(ended);
      await expect.poll(() => service.whoami(kept.service_token), within(5_000)).toMatchObject(STALE);
      expect(await service.whoami()).toMatchObject(UNAUTHENTICATED);
      expect(await service.whoami('rubbish')).toMatchObject(INVALID);

      await line.mend();
      await expect.poll(() => service.whoami(kept.service_token), within(10_000)).toMatchObject({ status: 200 });
      expect(await service.whoami(ended.service_token)).toMatchObject(revoked('signed_out'));
      line.cut();
    });

    test("only the server's own access tokens are accepted", async ({ start }) => {
      const issuer = await FakeIssuer.start();
      const service = await start(name, { ISSUER_URL: issuer.url });
      for (const key of issuer.keys) {
        expect(await service.whoami(token(key, issuer.claims())), key.alg).toMatchObject({ status: 200 });
      }
      const [key, other] = issuer.keys;
      const [claims, now] = [issuer.claims(), issuer.claims().iat];
      expect((await service.whoami(token(key, { ...claims, exp: now - 2 }))).status, 'a slow clock').toBe(200);

      const bad: Record<string, string> = {};
      const wrongClaims = {
        iss: ['https://attacker.example', `${issuer.url}/`, undefined],
        aud: ['https://another.example', issuer.url, [AUDIENCE], undefined],
        exp: [now - 10, `${now + 60}`, now + 60.5, 1e30, -1, null, true, [], undefined],
        iat: [now + 60, `${now}`, null, undefined],
        nbf: [now + 60, `${now}`, null],
        sub: [7, undefined],
        sid: [7, undefined],
      };
      for (const [claim, values] of Object.entries(wrongClaims)) {
        for (const value of values) {
          bad[`${claim}: ${JSON.stringify(value)}`] = token(key, { ...claims, [claim]: value });
        }
      }
      const wrongHeaders = {
        typ: ['JWT', 'application/at+jwt', undefined],
        alg: ['none', 'HS256', 'ES256', 'Ed25519', [], undefined],
        kid: ['unknown', other.kid, '__proto__', 7, undefined],
        jku: [`${issuer.url}/.well-known/jwks.json`],
        jwk: [key.jwk],
        x5u: [`${issuer.url}/certificate`],
        x5c: [['AAAA']],
        crit: [['exp'], ['b64']],
      };
      for (const [field, values] of Object.entries(wrongHeaders)) {
        for (const value of values) {
          bad[`${field}: ${JSON.stringify(value)}`] = token(key, claims, { [field]: value });
        }
      }
      const good = token(key, claims);
      const unsigned = good.slice(0, good.lastIndexOf('.') + 1);
      const stranger = newKey('EdDSA', key.kid);
      bad['another signature'] = token(stranger, claims);
      bad["another key's signature"] = token({ ...other, kid: key.kid }, claims);
      bad['other claims'] = tamper(good);
      bad['no signature'] = unsigned;
      bad['alg none'] = token(key, claims, { alg: 'none' }).replace(/[^.]*$/, '');
      bad['four parts'] = `${good}.${good}`;
      // Algorithm confusion: the public key, which everybody has, as a secret.
      const pem = key.publicKey.export({ type: 'spki', format: 'pem' });
      for (const secret of [pem, Buffer.from(key.jwk.x!, 'base64url'), JSON.stringify(key.jwk)]) {
        const parts = token(key, claims, { alg: 'HS256' }).replace(/\.[^.]*$/, '');
        bad[`HS256 with ${secret}`] = `${parts}.${createHmac('sha256', secret).update(parts).digest('base64url')}`;
      }
      for (const [what, token] of Object.entries(bad)) {
        expect(await service.whoami(token), what).toMatchObject(INVALID);
      }
      for (const header of ['Bearer', 'Bearer ', 'Basic YTpi', `Bearer ${good} ${good}`, good]) {
        expect(await service.ask({ authorization: header }), header).toMatchObject(INVALID);
      }
      expect((await service.ask({ authorization: `bearer ${good}` })).status).toBe(200);

      // Of so many forged key ids, hardly one made it ask the server; a new key is found all the same.
      for (let i = 0; i < 50; i++) await service.whoami(token({ ...stranger, kid: `forged-${i}` }, claims));
      expect(issuer.reads).toBeLessThanOrEqual(4);
      const newest = newKey('EdDSA', 'newest');
      issuer.keys = [newest];
      await expect.poll(() => service.whoami(token(newest, claims)), within(10_000)).toMatchObject({ status: 200 });
      expect(await service.whoami(good)).toMatchObject(INVALID);
      issuer.stop();
    });
  });
}

const ONE_HOST = 'a page at the edge, on one host with Sekisho, sends a person to sign in and back';
test(ONE_HOST, async ({ api, baseURL, complaints, page, site, start, user }) => {
  complaints.allow(404, '/favicon.ico'); // plain text names none
  const { url } = await start('edge, in workerd', { ISSUER_URL: baseURL! });
  await page.goto(`${url}/dashboard?id=7`);
  await expect(page).toHaveURL(`${url}/login?next=${encodeURIComponent('/sign-in?next=%2Fdashboard%3Fid%3D7')}`);
  await site.login.fillAndSubmit(user);
  await expect(page).toHaveURL(`${url}/dashboard?id=7`);
  await expect(page.locator('body')).toHaveText(/^Hello, /);

  // A cookie that is gone comes back by itself, as long as the session lasts.
  await page.context().clearCookies({ name: 'orders' });
  await page.goto(`${url}/dashboard`);
  await expect(page).toHaveURL(`${url}/dashboard`);

  await api.endAllOthers(user);
  await expect(async () => {
    await page.goto(`${url}/dashboard`);
    await expect(site.notice).toHaveText('You were signed out from another of your devices.', { timeout: 100 });
  }).toPass({ timeout: 5_000 });
  await expect(page).toHaveURL(`${url}/login?next=${encodeURIComponent('/sign-in?next=%2Fdashboard')}`);
});

/** Signs in, and asks for a token for the services as well, of the same session. */
async function signIn(api: Api, person: Person): Promise<Tokens & { service_token: string }> {
  const own = await api.signIn(person);
  const refreshed = await api.refresh(own, AUDIENCE);
  return { ...refreshed, access_token: own.access_token, service_token: refreshed.access_token };
}

async function startService(name: keyof typeof SERVICES, settings: Settings) {
  const [command, ...args] = SERVICES[name];
  const path = command.includes('/') ? resolve(ROOT, command) : command;
  const { PATH, HOME } = process.env;
  const env = { PATH, HOME, LISTEN: '127.0.0.1:0', ...settings };
  const service = spawn(path, args, { cwd: ROOT, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  service.stderr.on('data', (data) => (said += data));
  const exited = once(service, 'exit');
  exited.catch(() => {}); // a program that isn't there
  const firstLine = once(createInterface(service.stdout), 'line');
  const outcome = await Promise.race([
    firstLine.then(([line]) => /^listening on (http:.*)$/.exec(line)?.[1]),
    exited.then(() => undefined, (error) => void (said += error)),
    new Promise<undefined>((resolve) => setTimeout(resolve, 20_000, undefined)),
  ]);
  if (!outcome) {
    service.kill();
    throw new Error(`${path} did not start (see clients/README.md):\n${said}`);
  }
  const ask = async (headers: Record<string, string>) => {
    const answer = await fetch(`${outcome}/whoami`, { headers });
    const type = answer.ok ? 'application/json' : 'application/problem+json';
    expect(answer.headers.get('content-type')).toBe(type);
    return {
      status: answer.status,
      challenge: answer.headers.get('www-authenticate'),
      retryAfter: answer.headers.get('retry-after'),
      body: await answer.json(),
    };
  };
  return {
    url: outcome,
    ask,
    whoami: (token?: string) => ask(token === undefined ? {} : { authorization: `Bearer ${token}` }),
    async stop() {
      service.kill();
      await exited;
    },
  };
}

/** The same token with another session in it. */
function tamper(token: string) {
  const [header, claims, signature] = token.split('.');
  const changed = { ...JSON.parse(Buffer.from(claims, 'base64url').toString()), sid: 'another' };
  return [header, encode(changed), signature].join('.');
}

function encode(part: unknown) {
  return Buffer.from(JSON.stringify(part)).toString('base64url');
}

/** A wire to the server, which can be cut. */
class Line {
  private readonly sockets = new Set<Socket>();
  private constructor(
    private readonly server: ReturnType<typeof createServer>,
    private readonly port: number,
  ) {}

  static async to(url: string) {
    const { hostname, port } = new URL(url);
    const server = createServer((near) => {
      const far = connect(Number(port), hostname);
      for (const socket of [near, far]) {
        line.sockets.add(socket);
        socket.on('error', () => {}).on('close', () => [near, far].forEach((end) => end.destroy()));
      }
      near.pipe(far).pipe(near);
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    const line = new Line(server, (server.address() as AddressInfo).port);
    return line;
  }

  get url() {
    return `http://127.0.0.1:${this.port}`;
  }

  cut() {
    this.server.close();
    for (const socket of this.sockets) socket.destroy();
    this.sockets.clear();
  }

  async mend() {
    await once(this.server.listen(this.port, '127.0.0.1'), 'listening');
  }
}

interface Key {
  kid: string;
  alg: string;
  publicKey: KeyObject;
  privateKey: KeyObject;
  jwk: JsonWebKey;
}

function newKey(alg: 'EdDSA' | 'ES256' | 'RS256', kid: string): Key {
  const { publicKey, privateKey } = {
    EdDSA: () => generateKeyPairSync('ed25519'),
    ES256: () => generateKeyPairSync('ec', { namedCurve: 'P-256' }),
    RS256: () => generateKeyPairSync('rsa', { modulusLength: 2048 }),
  }[alg]();
  const jwk = { ...publicKey.export({ format: 'jwk' }), kid, alg, use: 'sig' };
  return { kid, alg, publicKey, privateKey, jwk };
}

function token({ kid, alg, privateKey }: Key, claims: object, header: object = {}) {
  const message = `${encode({ typ: 'at+jwt', alg, kid, ...header })}.${encode(claims)}`;
  const hash = alg === 'EdDSA' ? null : 'sha256';
  const signature = sign(hash, Buffer.from(message), { key: privateKey, dsaEncoding: 'ieee-p1363' });
  return `${message}.${signature.toString('base64url')}`;
}

/** A server that can sign anything, from whose sessions none ever ends. */
class FakeIssuer {
  keys = [newKey('EdDSA', 'a'), newKey('ES256', 'b'), newKey('RS256', 'c')];
  reads = 0;
  private readonly server = createHttpServer(({ url, headers }, response) => {
    if (url === '/.well-known/jwks.json') return this.tellKeys(response);
    const position = { next_cursor: '0', retain_for: 960 };
    if (headers.accept !== 'text/event-stream') {
      response.setHeader('content-type', 'application/json');
      return response.end(JSON.stringify({ items: [], withdrawn_keys: [], ...position }));
    }
    response.setHeader('content-type', 'text/event-stream');
    response.write(`event: hello\nid: 0\ndata: ${JSON.stringify(position)}\n\n`);
  });

  static async start() {
    const issuer = new FakeIssuer();
    await once(issuer.server.listen(0, '127.0.0.1'), 'listening');
    return issuer;
  }

  get url() {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }

  claims() {
    const now = Math.floor(Date.now() / 1000);
    const who = { sub: 'a-user', sid: 'a-session', jti: 'a-token', client_id: 'api', scope: 'api', roles: [] };
    return { iss: this.url, aud: AUDIENCE, iat: now, exp: now + 60, ...who };
  }

  stop() {
    this.server.close();
    this.server.closeAllConnections();
  }

  private tellKeys(response: ServerResponse) {
    this.reads += 1;
    const keys = this.keys.map((key) => key.jwk);
    response.setHeader('content-type', 'application/json').end(JSON.stringify({ keys }));
  }
}
