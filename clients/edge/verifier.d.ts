export interface Options {
  /** Where Sekisho is reached: `https://login.example.com`. */
  url: string;
  /** This service's name, one of `SEKISHO_AUDIENCES`: the tokens' `aud`. */
  audience: string;
  /** The tokens' `iss` (`SEKISHO_TOKEN_ISSUER`), if it isn't `url`. */
  issuer?: string;
  /** One of `SEKISHO_SERVICE_SECRET`, where that is set. Goes to the list of ended sessions alone. */
  serviceSecret?: string;
  /**
   * How old (s) the list of ended sessions may be while Sekisho is in reach: 1. From half of it on it is read again.
   */
  maxAge?: number;
  /** For how long (s) tokens are accepted while Sekisho is out of reach: 30. Then everybody is answered 503. */
  staleAfter?: number;
  /** How far (s) this machine's clock may be off: 5, at most 60. */
  clockTolerance?: number;
  /**
   * Keeps the list for isolates that start, as a Workers KV namespace can. It may lag: what ended since is asked for in
   * any case, and without an answer nobody is let in. Whoever can write it can hide ended sessions.
   */
  storage?: Storage;
  /** The app's cookie with the access token, for pages: `__Host-orders`. Without it only the header counts. */
  cookie?: string;
  /** Where a person without a valid token is sent, a path of this origin: `/sign-in`. Never protected itself. */
  signIn?: string;
  /** Sekisho's own sign-in page on this origin, for `signIn()`: `/login`. */
  login?: string;
}

export interface Storage {
  get(key: string): Promise<string | null>;
  put(key: string, value: string): Promise<void>;
}

export interface Claims {
  iss: string;
  aud: string;
  /** The person. */
  sub: string;
  /** The session. */
  sid: string;
  jti: string;
  iat: number;
  exp: number;
  nbf?: number;
  client_id: string;
  /** A list with blanks in between. */
  scope: string;
  roles: string[];
  [claim: string]: unknown;
}

export interface Context {
  /**
   * `(promise) => ctx.waitUntil(promise)`, of Workers' `ctx` or of Vercel's `event`; `() => {}` where a process lives
   * on, as with Node. Without it, a request waits for what could be read again behind its answer.
   */
  waitUntil?: (promise: Promise<unknown>) => void;
}

export type Code =
  | 'unauthenticated'
  | 'invalid_token'
  | 'session_revoked'
  | 'insufficient_scope'
  | 'cross_origin'
  | 'verifier_stale';

/** Why a request is not let in. */
export class Rejected extends Error {
  readonly code: Code;
  readonly status: 401 | 403 | 503;
  /** Why the session ended, for `session_revoked`. */
  readonly reason?: string;
  /** What the token lacks, for `insufficient_scope`. */
  readonly scope?: string;
  /** The server's own answer: `application/problem+json` (RFC 9457) with the challenge of RFC 6750. */
  toResponse(): Response;
}

export type Protected =
  | { claims: Claims; rejected?: undefined; response?: undefined }
  | { claims?: undefined; rejected: Rejected; response: Response }
  | { claims?: undefined; rejected?: undefined; response?: undefined };

/**
 * One for each isolate or process, outside of the request handler: it holds the keys and the list of ended sessions.
 */
export class Verifier {
  /** Throws a `TypeError` for an option that makes no sense. Asks Sekisho nothing before the first request. */
  constructor(options: Options);
  /** The claims of a token that holds at this moment; throws `Rejected`. */
  verify(token: string, context?: Context): Promise<Claims>;
  /** The claims of a request: the token of its `Authorization` header, or, where there is none, of the `cookie`. */
  authenticate(request: Request, options?: Context & { scope?: string }): Promise<Claims>;
  /**
   * `{ claims }`, or `{ response, rejected }`: to a person who goes to a page, a redirect to `signIn` and back; to
   * everybody else 401, 403 or 503. `{}` for a path that is not under `prefix`.
   */
  protect(request: Request, options?: Context & { prefix?: string; scope?: string }): Promise<Protected>;
  /**
   * Answers `GET signIn?next=…` where Sekisho is on the same host: takes a token for the browser's session there into
   * the cookie and goes back, or to `login` first.
   */
  signIn(request: Request): Promise<Response>;
}

/** `path` if it is a path of this origin, else `/`: for a `next` that came with a request. */
export function localPath(path: string | null | undefined): string;
