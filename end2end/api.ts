// The JSON API, as an app would call it.
import { expect, type APIRequestContext } from '@playwright/test';
import type { Person } from './pages';

export interface Tokens {
  access_token: string;
  token_type: string;
  expires_in: number;
  refresh_token: string;
  refresh_expires_in: number;
  session_id: string;
}

export class Api {
  constructor(private readonly request: APIRequestContext) {}

  /** Returns the account's id. */
  async register({ name, email, password }: Person): Promise<string> {
    const answer = await this.request.post('/api/v1/users', { data: { name, email, password } });
    expect(answer.status()).toBe(201);
    return (await answer.json()).id;
  }

  signIn({ email, password }: Person, device?: string) {
    return this.tokens('/api/v1/tokens', { email, password, device });
  }

  /** Attempts to sign in with a wrong password, at the same time. */
  async failToSignIn({ email }: Person, attempts: number) {
    const data = { email, password: 'not my password' };
    await Promise.all(Array.from({ length: attempts }, () => this.request.post('/api/v1/tokens', { data })));
  }

  refresh({ refresh_token }: Tokens, audience?: string) {
    return this.tokens('/api/v1/tokens/refresh', { refresh_token, audience });
  }

  async signOut(tokens: Tokens) {
    const answer = await this.request.delete('/api/v1/tokens', bearer(tokens));
    expect(answer.status()).toBe(204);
  }

  get(path: string, tokens: Pick<Tokens, 'access_token'>) {
    return this.request.get(`/api/v1/${path}`, bearer(tokens));
  }

  /** Signs `person` out of every other device. */
  async endAllOthers(person: Person) {
    const answer = await this.request.post('/api/v1/sessions/revoke-others', bearer(await this.signIn(person)));
    expect(answer.status()).toBe(200);
  }

  private async tokens(path: string, data: object): Promise<Tokens> {
    const answer = await this.request.post(path, { data });
    expect(answer.status()).toBe(200);
    return answer.json();
  }
}

function bearer({ access_token }: Pick<Tokens, 'access_token'>) {
  return { headers: { authorization: `Bearer ${access_token}` } };
}
