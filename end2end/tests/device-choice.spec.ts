import { expect, expectAccessible, expectNoSidewaysScroll, PHONE, test } from '../fixtures';

test.use({ settings: { SEKISHO_MAX_DEVICES: '2', SEKISHO_DEVICE_LIMIT: 'deny' } });

test.beforeEach(({ complaints }) => {
  complaints.allowSessionEnd();
  complaints.allow(403, '/login');
});

test('with all devices in use, one chooses which of them goes, and is let in to where one was going', async ({
  api,
  openSignedIn,
  page,
  site,
  user,
}) => {
  await api.signIn(user, 'backup script');
  const phone = await openSignedIn(user, { path: '/security', ...PHONE });

  await page.goto('/account');
  await site.login.fillAndSubmit(user);
  await expect(site.deviceLimit.heading).toBeVisible();
  await expect(site.deviceLimit.devices).toHaveCount(2);
  await expect(site.devices.device('backup script')).toContainText('API');
  await expect(site.nav.signOut).toBeHidden();

  const told = phone.page.getByText('You were signed out from another of your devices.');
  await Promise.all([told.waitFor(), site.deviceLimit.evict('Safari').click()]);
  await expect(page).toHaveURL('/account');
  await page.goto('/devices');
  await expect(site.devices.all).toHaveCount(2);
  await expect(site.devices.device('backup script')).toBeVisible();
});

test('the page is accessible and fits the screen', async ({ api, page, site, user }) => {
  await api.signIn(user, 'M'.repeat(100));
  await api.signIn(user, 'backup script');
  for (const width of [360, 1280]) {
    await page.setViewportSize({ width, height: 640 });
    await site.signInByForm(user);
    await expect(site.deviceLimit.heading).toBeVisible();
    await expectAccessible(page);
    await expectNoSidewaysScroll(page);
  }
});

test('whoever cancels is signed in nowhere', async ({ api, page, site, user }) => {
  const tokens = [await api.signIn(user), await api.signIn(user)];
  await site.signInByForm(user);
  await site.deviceLimit.cancel.click();
  await expect(page).toHaveURL('/login');
  await page.goto('/account');
  await expect(page).toHaveURL('/login?next=%2Faccount');
  for (const token of tokens) expect((await api.get('me', token)).status()).toBe(200);
});

test('what was typed is still there, though the way back leads through the choice', async ({
  api,
  complaints,
  page,
  site,
  user,
}) => {
  complaints.allow(403, '/session/sign-in');
  await site.signIn(user);
  await site.visit('/account');
  await site.account.about.fill('I keep bees.');
  await api.endAllOthers(user);
  await api.signIn(user, 'backup script');
  await site.keeper.password.fill(user.password);
  await site.keeper.submit.click();
  await expect(site.keeper.password).toHaveAccessibleDescription(
    'You are signed in on as many devices as allowed. Sign out on one of them first.',
  );

  await site.keeper.signInPage.click();
  await site.login.fillAndSubmit(user);
  await site.deviceLimit.evict('backup script').click();
  await expect(page).toHaveURL('/account');
  await expect(site.account.about).toHaveValue('I keep bees.');
});

test('what is taken meanwhile is asked for again', async ({ api, page, site, user }) => {
  const first = await api.signIn(user, 'first');
  await api.signIn(user, 'second');
  await site.signInByForm(user, '/devices');
  await expect(site.deviceLimit.devices).toHaveCount(2);

  await api.signOut(first);
  await api.signIn(user, 'third');
  await site.deviceLimit.evict('first').click();
  await expect(site.deviceLimit.heading).toBeVisible();
  await expect(site.devices.device('first')).toBeHidden();
  await site.deviceLimit.evict('third').click();
  await expect(page).toHaveURL('/devices');
  await expect(site.devices.device('second')).toBeVisible();
  await expect(site.devices.all).toHaveCount(2);
});

test('a choice works once, and only in the browser that has proved who it is', async ({
  api,
  openBrowser,
  page,
  site,
  user,
}) => {
  await api.signIn(user);
  await api.signIn(user);
  await site.signInByForm(user);
  const choice = {
    waiting: await page.locator('input[name=waiting]').first().inputValue(),
    id: await page.locator('input[name=id]').first().inputValue(),
  };
  const thief = await openBrowser();
  const stolen = await thief.page.request.post('/login/room', { form: choice, maxRedirects: 0 });
  expect(stolen.status()).toBe(403);

  const made = await page.request.post('/login/room', { form: choice, maxRedirects: 0 });
  expect(made.status()).toBe(303);
  const again = await page.request.post('/login/room', { form: choice, maxRedirects: 0 });
  expect(again.status()).toBe(403);
});

test.describe('in Japanese', () => {
  test.use({ locale: 'ja-JP' });

  test('one chooses as well', async ({ api, page, site, user }) => {
    await api.signIn(user, 'first');
    await api.signIn(user, 'second');
    for (const width of [360, 1280]) {
      await page.setViewportSize({ width, height: 640 });
      await page.goto('/login?next=/devices');
      await page.getByLabel('メールアドレス').fill(user.email);
      await page.getByLabel('パスワード').fill(user.password);
      await page.getByRole('main').getByRole('button', { name: 'サインイン' }).click();
      await expect(site.heading).toHaveText('端末数の上限に達しています');
      await expectNoSidewaysScroll(page);
    }
    await page.getByRole('button', { name: 'firstからサインアウト' }).click();
    await expect(page).toHaveURL('/devices');
    await expect(site.heading).toHaveText('端末');
    await expect(site.devices.all).toHaveCount(2);
  });
});

test.describe('without JavaScript', () => {
  test.use({ javaScriptEnabled: false });

  test('one chooses as well', async ({ api, page, site, user }) => {
    const first = await api.signIn(user, 'first');
    await api.signIn(user, 'second');
    await site.signInByForm(user, '/devices');
    await site.deviceLimit.evict('first').click();
    await expect(page).toHaveURL('/devices');
    await expect(site.devices.all).toHaveCount(2);
    await expect(site.devices.device('second')).toBeVisible();
    expect((await api.get('me', first)).status()).toBe(401);
  });
});
