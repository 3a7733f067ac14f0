import type { Page } from '@playwright/test';
import { expect, expectAccessible, test } from '../fixtures';

test('the access token is renewed before it ends, without anybody noticing', async ({ api, page, site, user }) => {
  await page.clock.install();
  await site.signIn(user);
  const [first] = await Promise.all([page.waitForResponse('/session/token'), site.visit('/')]);
  expect(await first.json()).toMatchObject({ expires_in: 15 * 60 });

  // Two minutes before the end, less some jitter.
  let renewed = false;
  page.on('request', (request) => (renewed ||= request.url().endsWith('/session/token')));
  await page.clock.fastForward('12:30');
  expect(renewed).toBe(false);
  const [second] = await Promise.all([page.waitForResponse('/session/token'), page.clock.fastForward('00:30')]);
  expect((await api.get('me', await second.json())).status()).toBe(200);
});

test('a second tab takes the token of the first', async ({ page, site, user }) => {
  await site.signIn(user);
  await Promise.all([page.waitForResponse('/session/token'), site.visit('/')]);
  const other = await site.openTab();
  const asked = other.page.waitForRequest('/session/token', { timeout: 2_000 }).catch(() => null);
  await other.visit('/');
  expect(await asked).toBeNull();
});

test('no token is ever where a script could steal it later', async ({ page, site, user }) => {
  await site.signIn(user);
  const [answer] = await Promise.all([page.waitForResponse('/session/token'), site.visit('/account')]);
  const { access_token } = await answer.json();
  await site.account.about.fill('something to keep');
  await page.reload();
  const cookie = (await page.context().cookies()).find(({ name }) => ['sekisho', 'sekisho_refresh'].includes(name))!;
  expect(cookie).toMatchObject({ httpOnly: true, sameSite: 'Lax' });
  const readable = await readableBy(page);
  expect(readable).toContain('something to keep');
  expect(readable).not.toContain(access_token);
  expect(readable).not.toContain(cookie.value);
  expect(readable).not.toContain(user.password);
});

test('who is offline is not signed out, not even past the deadline', async ({ complaints, page, site, user }) => {
  complaints.allow('offline', '/session/');
  await page.clock.install();
  await site.signIn(user);
  await site.visit('/');
  await page.context().setOffline(true);
  await expect(site.keeper.offline).toBeVisible();
  await page.clock.fastForward('01:30:00');
  await expect(site.keeper.warning).toBeHidden();
  await expect(site.nav.signOut).toBeVisible();

  await page.context().setOffline(false);
  await expect(site.keeper.offline).toBeHidden();
  await page.getByRole('link', { name: 'Devices' }).first().click();
  await expect(page).toHaveURL('/devices');
});

test('a server in trouble is no sign-out either', async ({ complaints, page, site, user }) => {
  complaints.allow(503, '/session/');
  await site.signIn(user);
  await page.route('/session/*', (route) => route.fulfill({ status: 503 }));
  await page.goto('/');
  await expect(site.keeper.offline).toBeVisible();
  await page.unrouteAll();
  await expect(site.keeper.offline).toBeHidden({ timeout: 15_000 });
});

test('the warning before an idle sign-out is accessible', async ({ page, site, user }) => {
  await page.clock.install();
  await site.signIn(user);
  await site.visit('/');
  await page.clock.fastForward('59:10');
  await expect(site.keeper.warning).toBeVisible();
  await expectAccessible(page);
  await site.keeper.stay.click();
  await expect(site.keeper.warning).toBeHidden();
});

const ACTS: Record<string, (page: Page) => Promise<void>> = {
  'moving the mouse': (page) => page.mouse.move(200, 300),
  'pressing a key': (page) => page.keyboard.press('Shift'),
  'turning the wheel': (page) => page.mouse.wheel(0, 50),
};
for (const [what, act] of Object.entries(ACTS)) {
  test(`${what} keeps a session`, async ({ page, site, user }) => {
    await page.clock.install();
    await site.signIn(user);
    await site.visit('/account/password'); // which nothing scrolls, or that would go on after the act
    await page.clock.fastForward('40:00');
    const [activity] = await Promise.all([page.waitForResponse('/session/activity'), act(page)]);
    expect(activity.status()).toBe(200);
    await page.clock.fastForward('40:00');
    await expect(site.keeper.warning).toBeHidden();
    await page.clock.fastForward('19:30');
    await expect(site.keeper.warning).toBeVisible();
  });
}

test('signing out in one tab signs out the others', async ({ complaints, site, user }) => {
  complaints.allowSessionEnd();
  await site.signIn(user);
  const other = await site.openTab();
  await other.visit('/account');
  await site.visit('/');
  await site.nav.signOut.click();
  await expect(other.notice).toHaveText('You signed out.');
});

/** All that a script on the page can read. */
async function readableBy(page: Page) {
  const stored = await page.evaluate(() =>
    JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie]),
  );
  return stored + (await page.content());
}
