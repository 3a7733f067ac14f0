// A Cloudflare Worker in front of Sekisho, on one host: `/dashboard` is a page of this app and `/whoami` its API; every
// other path (`/login`, `/account`, …) is Sekisho's. SEKISHO_BASE_URL is then this host, and ISSUER_URL where the
// Worker reaches Sekisho. On a host of its own an app has no use for `signIn()`: it brings its own page, and its own
// way to tokens.
import { Rejected, Verifier } from '../../verifier.js';

/** One for the isolate: it holds the keys and the list of ended sessions. */
let verifier;

export default {
  async fetch(request, env, ctx) {
    verifier ??= new Verifier({
      url: env.ISSUER_URL,
      issuer: env.ISSUER,
      audience: env.AUDIENCE,
      serviceSecret: env.SERVICE_SECRET,
      staleAfter: Number(env.STALE_AFTER ?? 30),
      storage: env.REVOCATIONS,
      cookie: env.COOKIE ?? '__Host-orders',
      signIn: '/sign-in',
    });
    const waitUntil = (promise) => ctx.waitUntil(promise);
    const { pathname } = new URL(request.url);

    if (pathname === '/sign-in') return verifier.signIn(request);
    if (pathname === '/whoami') {
      try {
        const { sub, sid, roles, scope } = await verifier.authenticate(request, { scope: env.SCOPE, waitUntil });
        return Response.json({ sub, sid, roles, scope });
      } catch (error) {
        if (error instanceof Rejected) return error.toResponse();
        throw error;
      }
    }
    const { claims, response } = await verifier.protect(request, { prefix: '/dashboard', scope: env.SCOPE, waitUntil });
    if (response) return response;
    if (claims) return new Response(`Hello, ${claims.sub}`, { headers: { 'cache-control': 'private, no-store' } });
    return toSekisho(request, env);
  },
};

/**
 * With the browser's address as Cloudflare knows it, not as a request claims; SEKISHO_TRUSTED_PROXIES names who says
 * so.
 */
function toSekisho(request, env) {
  const { pathname, search } = new URL(request.url);
  const headers = new Headers(request.headers);
  const address = request.headers.get('cf-connecting-ip');
  if (address) headers.set('x-forwarded-for', address);
  else headers.delete('x-forwarded-for');
  const { method, body } = request;
  return fetch(`${env.ISSUER_URL}${pathname}${search}`, { method, headers, body, redirect: 'manual' });
}
