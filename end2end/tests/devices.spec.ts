import { expect, PHONE, test } from '../fixtures';

test('a device that is ended elsewhere is out within a second, and told why', async ({
  complaints,
  openSignedIn,
  page,
  site,
  user,
}) => {
  complaints.allowSessionEnd();
  const phone = await openSignedIn(user, { path: '/security', ...PHONE });
  await site.signIn(user);
  await page.goto('/devices');
  await expect(site.devices.all).toHaveCount(2);

  const told = phone.page.getByText('You were signed out from another of your devices.');
  await Promise.all([told.waitFor({ timeout: 1_500 }), site.devices.end('Safari').click()]);
  await expect(phone.page).toHaveURL('/login?next=%2Fsecurity');
  await expect(site.notice).toHaveText('Safari on iOS was signed out.');
  await expect(site.devices.all).toHaveCount(1);

  await phone.login.fillAndSubmit(user);
  await expect(phone.page).toHaveURL('/security');
});

test('all tabs of an ended browser go together', async ({ api, complaints, site, user }) => {
  complaints.allowSessionEnd();
  await site.signIn(user);
  const tabs = [site, await site.openTab(), await site.openTab()];
  for (const tab of tabs) await tab.visit('/');
  await api.endAllOthers(user);
  for (const tab of tabs) await expect(tab.notice).toHaveText('You were signed out from another of your devices.');
});

test('all other devices end together', async ({ api, complaints, openSignedIn, page, site, user }) => {
  complaints.allowSessionEnd();
  const tokens = await api.signIn(user);
  const phone = await openSignedIn(user, { path: '/', ...PHONE });
  await site.signIn(user);
  await page.goto('/devices');
  await expect(site.devices.all).toHaveCount(3);

  await site.devices.endOthers.click();
  await expect(site.notice).toHaveText('All other devices were signed out.');
  await expect(page.getByText('No other device is signed in.')).toBeVisible();
  await expect(phone.notice).toHaveText('You were signed out from another of your devices.');
  expect((await api.get('me', tokens)).status()).toBe(401);
});

test('an API session is a device, and its tokens end with it', async ({ api, page, site, user }) => {
  const tokens = await api.signIn(user, 'backup script');
  await site.signIn(user);
  await page.goto('/devices');
  await expect(site.devices.device('backup script')).toContainText('API');
  await site.devices.end('backup script').click();
  await expect(site.notice).toHaveText('backup script was signed out.');

  const answer = await api.get('me', tokens);
  expect(answer.status()).toBe(401);
  expect(await answer.json()).toMatchObject({ code: 'session_revoked', reason: 'revoked_by_user' });
});

test('this device is marked, and ends like any other', async ({ complaints, page, site, user }) => {
  complaints.allowSessionEnd();
  await site.signIn(user);
  await page.goto('/devices');
  await expect(site.devices.all).toContainText('This device');
  await site.devices.all.getByRole('button', { name: /^Sign out/ }).click();
  await expect(site.notice).toHaveText('You signed out.');
});

test("somebody else's device can't be ended", async ({ api, site, user }) => {
  const { session_id } = await api.signIn(user);
  const stranger = { ...user, email: `x-${user.email}` };
  await api.register(stranger);
  await site.signIn(stranger);
  const answer = await site.page.request.post('/devices/end', { form: { id: session_id } });
  expect(answer.status()).toBe(404);
});
