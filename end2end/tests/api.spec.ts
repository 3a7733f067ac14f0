import { expect, test } from '../fixtures';

test('an app signs in, asks, refreshes and signs out', async ({ api, user }) => {
  const first = await api.signIn(user, 'my laptop');
  expect(first).toMatchObject({ token_type: 'Bearer', expires_in: 900 });
  expect(await (await api.get('me', first)).json()).toMatchObject({ email: user.email, name: user.name });

  const second = await api.refresh(first);
  expect(second.session_id).toBe(first.session_id);
  expect(second.refresh_token).not.toBe(first.refresh_token);
  const { items } = await (await api.get('sessions', second)).json();
  expect(items).toMatchObject([{ kind: 'api', current: true, device: 'my laptop' }]);

  await api.signOut(second);
  for (const tokens of [first, second]) {
    const answer = await api.get('me', tokens);
    expect(answer.status()).toBe(401);
    expect(answer.headers()['www-authenticate']).toBe('Bearer error="invalid_token"');
    expect(await answer.json()).toMatchObject({ code: 'session_revoked', reason: 'signed_out' });
  }
  await api.signOut(second);
});

test("the cookie opens no door of the API's", async ({ page, site, user }) => {
  await site.signIn(user);
  const answer = await page.request.get('/api/v1/me');
  expect(answer.status()).toBe(401);
  expect(answer.headers()['www-authenticate']).toBe('Bearer');
});
