import type { Response } from '@playwright/test';
import { expect, expectAccessible, expectNoSidewaysScroll, PHONE, test } from '../fixtures';

test.use({
  settings: {
    SEKISHO_STEP_UP: '1s',
    SEKISHO_GITHUB_CLIENT_ID: 'end-to-end',
    SEKISHO_GITHUB_CLIENT_SECRET: 'end-to-end',
    SEKISHO_GITHUB_URL: 'http://127.0.0.1:4010',
    SEKISHO_GITHUB_API_URL: 'http://127.0.0.1:4010',
  },
});

test.beforeEach(({ complaints }) => {
  complaints.allow(403, '/devices/end-others');
  complaints.allow(422, '/devices/end-others');
  complaints.allowSessionEnd();
});

test('an old sign-in is asked for the password, in place, and then it happens', async ({
  openSignedIn,
  page,
  site,
  user,
}) => {
  await site.signInLongAgo(user);
  const phone = await openSignedIn(user, { path: '/security', ...PHONE });

  await site.devices.openAndEndOthers();
  await expect(site.stepUp.heading).toBeVisible();
  await expect(site.stepUp.password).toBeFocused();
  await expectAccessible(page);

  await site.stepUp.fillAndSubmit('not my password');
  await expect(site.stepUp.password).toHaveAccessibleDescription('This is not your current password.');
  await expectAccessible(page);
  await phone.page.reload();
  await expect(phone.page).toHaveURL('/security');

  await Promise.all([
    phone.page.getByText('You were signed out from another of your devices.').waitFor(),
    site.stepUp.fillAndSubmit(user.password),
  ]);
  await expect(page).toHaveURL('/devices');
  await expect(site.notice).toHaveText('All other devices were signed out.');
  await expect(site.devices.all).toHaveCount(1);
});

test('whoever cancels is back where they were, and nothing has happened', async ({ api, page, site, user }) => {
  await site.signInLongAgo(user);
  const tokens = await api.signIn(user);
  await site.devices.openAndEndOthers();
  await site.stepUp.cancel.click();
  await expect(page).toHaveURL('/devices');
  await expect(site.devices.all).toHaveCount(2);

  await site.devices.endOthers.click();
  await site.stepUp.fillAndSubmit('not my password');
  await site.stepUp.cancel.click();
  await expect(page).toHaveURL('/devices');
  await expect(site.devices.all).toHaveCount(2);
  expect((await api.get('me', tokens)).status()).toBe(200);
});

test('it is asked for in Japanese, too, and whoever changes the language there is back before it', async ({
  api,
  page,
  site,
  user,
}) => {
  await site.signInLongAgo(user);
  await api.signIn(user);
  await site.devices.openAndEndOthers();
  await site.nav.language('日本語').click();
  await expect(page.locator('html')).toHaveAttribute('lang', 'ja');
  await expect(site.heading).toHaveText('端末');
  await page.getByRole('button', { name: 'ほかのすべての端末からサインアウト' }).click();
  await expect(site.heading).toHaveText('ご本人の確認');
  await page.getByRole('main').getByLabel('パスワード').fill(user.password);
  await page.getByRole('button', { name: '確認' }).click();
  await expect(site.notice).toHaveText('ほかのすべての端末からサインアウトしました。');
});

test('what a form said is not lost on the way', async ({ admin, api, complaints, page, site, user }) => {
  complaints.allow(403, '/admin/users/');
  const id = await api.register({ ...user, email: `x-${user.email}` });
  await site.signInLongAgo(admin);
  await page.goto(`/admin/users/${id}`);
  await site.admin.user.role('admin').check();
  await site.admin.user.saveRoles.click();
  await site.stepUp.fillAndSubmit(admin.password);
  await expect(page).toHaveURL(`/admin/users/${id}`);
  await expect(site.notice).toHaveText('The roles were saved.');
  await expect(site.admin.user.role('admin')).toBeChecked();
});

test("an administrator's act is asked for as well", async ({ admin, api, complaints, site, user }) => {
  complaints.allow(403, '/admin/users/');
  complaints.allow(422, '/admin/users/');
  await site.signInLongAgo(admin);
  const tokens = await api.signIn(user);
  await site.admin.find(user);
  await site.admin.user.disable.click();
  await expect(site.stepUp.heading).toBeVisible();
  await site.stepUp.fillAndSubmit('not my password');
  await expect(site.stepUp.password).toHaveAccessibleDescription('This is not your current password.');
  expect((await api.get('me', tokens)).status()).toBe(200);

  await site.stepUp.fillAndSubmit(admin.password);
  await expect(site.notice).toHaveText('The account is disabled and signed out everywhere.');
  expect((await api.get('me', tokens)).status()).toBe(401);
});

test('a session that ends meanwhile leads back to the page that one was on', async ({ api, page, site, user }) => {
  await site.signInLongAgo(user);
  await api.signIn(user);
  await page.goto('/devices');
  await Promise.all([page.waitForRequest('/session/events'), site.devices.endOthers.click()]);
  await expect(site.stepUp.heading).toBeVisible();
  await api.endAllOthers(user);
  await site.login.fillAndSubmit(user);
  await expect(page).toHaveURL('/devices');
});

test('whoever has no password confirms at GitHub, and as nobody else', async ({
  complaints,
  githubAccount,
  openBrowser,
  page,
  site,
}) => {
  complaints.allow(403, '/auth/github/callback');
  const [own, other] = [await githubAccount(), await githubAccount()];
  await site.signInWithGithub(own.login, '/devices');
  await expect(page).toHaveURL('/devices');
  await site.becomeOld();
  const phone = await openBrowser(PHONE);
  await phone.signInWithGithub(own.login, '/devices');
  await expect(phone.page).toHaveURL('/devices');

  await page.reload();
  await site.devices.endOthers.click();
  await expect(site.stepUp.heading).toBeVisible();
  await expect(site.stepUp.password).toBeHidden();
  await expectAccessible(page);
  await site.stepUp.github.click();
  await site.github.authorize(other.login);
  await expect(page.getByText('That is not the GitHub account that is linked here.')).toBeVisible();

  await site.devices.openAndEndOthers();
  await site.stepUp.github.click();
  await site.github.authorize(own.login);
  await expect(page).toHaveURL('/devices');
  await expect(site.devices.all).toHaveCount(2);
  await page.goto('/security');
  await expect(page.getByText(/^Identity confirmed/)).toHaveCount(1);
  await expect(page.getByText('Failed attempt to confirm identity')).toHaveCount(1);
});

test('an answer to the old cookie, while the new one is on its way, is no sign-out', async ({
  openBrowser,
  page,
  site,
  user,
}) => {
  const refused = await (await openBrowser()).page.request.post('/session/token');
  expect(refused.status()).toBe(401);
  await site.signIn(user);
  await page.route('/session/token', (route) => route.fulfill({ response: refused }), { times: 1 });
  // The stream, which comes later, has no doubt and settles none.
  await page.route('/session/events', async (route) => {
    await new Promise((resolve) => setTimeout(resolve, 500));
    await route.continue();
  });
  const isGranted = (answer: Response) => answer.url().endsWith('/session/token') && answer.ok();
  const granted = page.waitForResponse(isGranted, { timeout: 10_000 });
  await Promise.all([granted, page.goto('/account'), site.account.about.fill('I keep bees.')]);
  await expect(site.keeper.signInAgain).toBeHidden();
  await expect(page).toHaveURL('/account');
});

test('the page fits a narrow screen', async ({ api, page, site, user }) => {
  await site.signInLongAgo(user);
  await api.signIn(user);
  for (const width of [360, 1280]) {
    await page.setViewportSize({ width, height: 640 });
    await site.devices.openAndEndOthers();
    await expect(site.stepUp.heading).toBeVisible();
    await expectNoSidewaysScroll(page);
  }
});

test.describe('without JavaScript', () => {
  test.use({ javaScriptEnabled: false });

  test('it is the same', async ({ api, site, user }) => {
    await site.signInLongAgo(user);
    const tokens = await api.signIn(user);
    await site.devices.openAndEndOthers();
    await site.stepUp.fillAndSubmit('not my password');
    await expect(site.stepUp.password).toHaveAccessibleDescription('This is not your current password.');
    expect((await api.get('me', tokens)).status()).toBe(200);
    await site.stepUp.fillAndSubmit(user.password);
    await expect(site.notice).toHaveText('All other devices were signed out.');
    expect((await api.get('me', tokens)).status()).toBe(401);
  });
});
