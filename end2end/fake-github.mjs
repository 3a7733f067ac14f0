// GitHub's side of "Continue with GitHub", as far as Sekisho sees it: the authorization page, the token
// endpoint with PKCE, and two calls of the API, with GitHub's own quirks (errors with status 200, a
// User-Agent asked for). Who signs in, and what goes wrong for them, is told beforehand by
// `POST /_accounts`; everything is kept by login name, so that tests run side by side.
// Refuses what GitHub refuses: foreign callbacks, used or expired codes, wrong verifiers.
import { createHash, randomBytes } from 'node:crypto';
import { createServer } from 'node:http';

const CLIENT = { id: 'end-to-end', secret: 'end-to-end' };
// For a loopback address GitHub lets the port differ from the registered one.
const CALLBACK = /^http:\/\/127\.0\.0\.1:\d+\/auth\/github\/callback$/;

const accounts = new Map(); // login → { login, id, name, emails, fails }
const codes = new Map(); // code → { account, challenge, callback }, until it is used
const tokens = new Map(); // token → account

const routes = {
  'POST /_accounts': async ({ body }) => {
    const account = JSON.parse(await body());
    accounts.set(account.login, account);
    return { status: 201 };
  },

  'GET /login/oauth/authorize': ({ query }) => {
    if (query.get('client_id') !== CLIENT.id) return html(404, '<h1>Not Found</h1>');
    if (!CALLBACK.test(query.get('redirect_uri'))) return html(404, '<h1>This callback is not registered</h1>');
    if (query.get('response_type') !== 'code' || !query.get('state')) return html(400, '<h1>Bad Request</h1>');
    if (query.get('code_challenge_method') !== 'S256' || query.get('code_challenge')?.length !== 43) {
      return html(400, '<h1>A code_challenge with S256 is needed</h1>');
    }
    return html(
      200,
      `
      <h1>Authorize Sekisho</h1>
      <form method="post" action="/login/oauth/authorize?${escape(query)}">
        <label>Username <input name="login" autocomplete="off"></label>
        <button name="answer" value="authorize">Authorize</button>
        <button name="answer" value="cancel">Cancel</button>
      </form>`,
    );
  },

  'POST /login/oauth/authorize': async ({ query, body }) => {
    const form = new URLSearchParams(await body());
    const callback = query.get('redirect_uri');
    const answer = { state: query.get('state') };
    if (form.get('answer') === 'cancel') {
      answer.error = 'access_denied';
      answer.error_description = 'The user has denied your application access.';
    } else {
      const account = accounts.get(form.get('login'));
      if (!account) return html(404, '<h1>No such user</h1>');
      answer.code = randomBytes(10).toString('hex');
      codes.set(answer.code, { account, callback, challenge: query.get('code_challenge') });
    }
    return { status: 302, headers: { location: `${callback}?${new URLSearchParams(answer)}` } };
  },

  'POST /login/oauth/access_token': async ({ headers, body }) => {
    const form = new URLSearchParams(await body());
    // The client's secret comes by HTTP Basic or in the form; GitHub takes both.
    const [, basic] = headers.authorization?.split('Basic ') ?? [];
    const [id, secret] = basic ? atob(basic).split(':') : [form.get('client_id'), form.get('client_secret')];
    if (id !== CLIENT.id || secret !== CLIENT.secret) return tokenError('incorrect_client_credentials');
    const code = codes.get(form.get('code'));
    codes.delete(form.get('code'));
    if (!code || code.account.fails === 'expired code') return tokenError('bad_verification_code');
    if (code.account.fails === 'token endpoint') return html(503, '<h1>Unicorn!</h1>');
    if (code.account.fails === 'silence') return null;
    if (form.get('redirect_uri') !== code.callback) return tokenError('redirect_uri_mismatch');
    const challenge = createHash('sha256')
      .update(form.get('code_verifier') ?? '')
      .digest('base64url');
    if (challenge !== code.challenge) return tokenError('bad_verification_code');
    const token = `gho_${randomBytes(18).toString('hex')}`;
    tokens.set(token, code.account);
    const answer = { access_token: token, scope: 'read:user,user:email', token_type: 'bearer' };
    if (headers.accept?.includes('json')) return json(200, answer);
    return { status: 200, body: `${new URLSearchParams(answer)}` };
  },

  'GET /user': api(({ login, id, name }) => ({ login, id, node_id: `U_${id}`, type: 'User', name, email: null })),
  'GET /user/emails': api(({ emails }) => emails),
};

function api(show) {
  return ({ headers }) => {
    if (!headers['user-agent']) return html(403, 'Please make sure your request has a User-Agent header');
    const account = tokens.get(headers.authorization?.replace(/^(Bearer|token) /, ''));
    if (!account) return json(401, { message: 'Bad credentials', status: '401' });
    if (account.fails === 'api') return json(502, { message: 'Server Error' });
    return json(200, show(account));
  };
}

function tokenError(error) {
  return json(200, { error, error_description: error.replaceAll('_', ' '), error_uri: 'https://docs.github.com/' });
}

function json(status, body) {
  return { status, headers: { 'content-type': 'application/json; charset=utf-8' }, body: JSON.stringify(body) };
}

function html(status, body) {
  const page = `<!DOCTYPE html><html lang="en"><title>GitHub</title><link rel="icon" href="data:,">${body}`;
  return { status, headers: { 'content-type': 'text/html; charset=utf-8' }, body: page };
}

function escape(text) {
  return `${text}`.replaceAll('&', '&amp;').replaceAll('"', '&quot;');
}

createServer(async (request, response) => {
  const { pathname, searchParams: query } = new URL(request.url, 'http://127.0.0.1');
  const body = async () => Buffer.concat(await request.toArray()).toString();
  const route = routes[`${request.method} ${pathname}`] ?? (() => json(404, { message: 'Not Found' }));
  const answer = await route({ query, headers: request.headers, body });
  // `null` is silence: the connection stays open until the other side gives up.
  if (answer) response.writeHead(answer.status, answer.headers).end(answer.body);
}).listen(4010, '127.0.0.1');
