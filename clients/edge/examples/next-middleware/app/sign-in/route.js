// `GET /sign-in?next=…`: takes a token for the browser's session into the cookie and goes back, or to `/login` first.
import { verifier } from '../../verifier.js';

export const GET = (request) => verifier.signIn(request);
