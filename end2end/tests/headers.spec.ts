import { expect, test } from '../fixtures';

for (const path of ['/', '/login', '/register', '/no-such-page']) {
  test(`${path} has a content policy with a nonce of its own each time`, async ({ request }) => {
    const policy = async () => (await request.get(path)).headers()['content-security-policy'];
    const policies = [await policy(), await policy()];
    const nonces = policies.map((policy) => policy.match(/script-src 'self' 'nonce-([\w+/=-]{22,})'/)?.[1]);
    expect(nonces[0]).toBeTruthy();
    expect(nonces[0]).not.toBe(nonces[1]);
    for (const policy of policies) {
      expect(policy).toContain("frame-ancestors 'none'");
      expect(policy).not.toContain('unsafe-inline');
      expect(policy).not.toContain("'unsafe-eval'");
    }
  });
}

test("each script of a page carries the page's nonce", async ({ request }) => {
  const answer = await request.get('/login');
  const nonce = answer.headers()['content-security-policy'].match(/'nonce-([^']+)'/)![1];
  const scripts = (await answer.text()).match(/<script[^>]*>/g)!;
  expect(scripts.length).toBeGreaterThan(0);
  for (const script of scripts) expect(script).toContain(`nonce="${nonce}"`);
});
