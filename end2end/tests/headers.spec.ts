import { expect, test } from '../fixtures';

for (const path of ['/', '/login', '/register', '/no-such-page']) {
  test(`${path} allows a stranger neither inline scripts nor WebAssembly`, async ({ request }) => {
    const answer = await request.get(path);
    const policy = answer.headers()['content-security-policy'];
    expect(policy).toContain("script-src 'self';");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toContain('unsafe');
    const scripts = (await answer.text()).match(/<script[^>]*>/g) ?? [];
    for (const script of scripts) expect(script).toContain('src="/page.js?');
  });
}

test('a page with islands has a content policy with a nonce of its own each time', async ({ page, site, user }) => {
  await site.signIn(user);
  const answers = [await page.request.get('/'), await page.request.get('/')];
  const policies = answers.map((answer) => answer.headers()['content-security-policy']);
  const nonces = policies.map((policy) => policy.match(/script-src 'self' 'nonce-([\w+/=-]{22,})'/)?.[1]);
  expect(nonces[0]).toBeTruthy();
  expect(nonces[0]).not.toBe(nonces[1]);
  for (const [index, answer] of answers.entries()) {
    expect(policies[index]).not.toContain('unsafe-inline');
    expect(policies[index]).not.toContain("'unsafe-eval'");
    const inline = (await answer.text()).match(/<script(?![^>]*src=)[^>]*>/g)!;
    expect(inline.length).toBeGreaterThan(0);
    for (const script of inline) expect(script).toContain(`nonce="${nonces[index]}"`);
  }
});
