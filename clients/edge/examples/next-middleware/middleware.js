// Next.js middleware, on Vercel's Edge or on Node: `/dashboard` is for who is signed in, `/api` for who has a token.
// From Next 16 on the file is called proxy.js, and its function `proxy`. Sekisho is on the same host, by rewrites of
// its paths; `app/sign-in/route.js` beside this file is the way back in.
//
// Middleware is the door, not the safe: it can be misrouted (CVE-2025-29927). A page or handler that shows somebody's
// data calls `verifier.authenticate(request)` once more: the keys and the list are there, and it costs a tenth of a
// millisecond.
import { verifier } from './verifier.js';

export const config = { matcher: ['/dashboard/:path*', '/api/:path*'] };

export async function middleware(request, event) {
  const waitUntil = (promise) => event.waitUntil(promise);
  for (const prefix of ['/dashboard', '/api']) {
    const { response } = await verifier.protect(request, { prefix, waitUntil });
    // Next reads the location, and knows absolute ones alone.
    const location = response?.headers.get('location');
    if (location) response.headers.set('location', new URL(location, request.url).href);
    if (response) return response;
  }
  return undefined; // on to the page
}
