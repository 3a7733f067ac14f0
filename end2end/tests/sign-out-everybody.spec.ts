import { expect, test } from '../fixtures';

// Of its own, as everybody is hit.
test.use({ settings: {} });

test('everybody is signed out but the administrator who does it', async ({
  admin,
  adminSite: site,
  api,
  complaints,
  openSignedIn,
  page,
  user,
}) => {
  complaints.allowSessionEnd();
  const tokens = await api.signIn(user);
  const other = await openSignedIn(user, { path: '/devices' });
  await api.signIn(admin);
  await page.goto('/admin/sessions');
  await expect(site.admin.rows).toHaveCount(4);

  await site.admin.sessions.sure.check();
  const told = other.page.getByText('An administrator signed you out.');
  await Promise.all([told.waitFor({ timeout: 1_500 }), site.admin.sessions.endAll.click()]);
  await expect(site.notice).toHaveText('Everybody else was signed out.');
  await expect(site.admin.rows).toHaveCount(1);
  await expect(site.admin.rows).toContainText('This session');

  const answer = await api.get('me', tokens);
  expect(answer.status()).toBe(401);
  expect(await answer.json()).toMatchObject({ code: 'session_revoked', reason: 'revoked_by_admin' });
  await other.login.fillAndSubmit(user);
  await expect(other.page).toHaveURL('/devices');
  await page.goto('/admin/events');
  await expect(site.admin.row('Everybody signed out')).toContainText(`by ${admin.email}`);
});
