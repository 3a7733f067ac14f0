// One for the process or isolate, shared by the middleware and by pages.
import { Verifier } from '../../verifier.js';

const { ISSUER_URL, ISSUER, AUDIENCE, SERVICE_SECRET, NODE_ENV } = process.env;

export const verifier = new Verifier({
  url: ISSUER_URL,
  issuer: ISSUER,
  audience: AUDIENCE,
  serviceSecret: SERVICE_SECRET,
  cookie: NODE_ENV === 'production' ? '__Host-orders' : 'orders',
  signIn: '/sign-in',
});
