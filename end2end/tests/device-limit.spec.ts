import { devices as models } from '@playwright/test';
import { expect, PHONE, test } from '../fixtures';

test.use({ settings: { SEKISHO_MAX_DEVICES: '2' } });

const REASON = 'You were signed out because you signed in on too many devices.';

test('one device too many ends the oldest, which is told why', async ({
  complaints,
  openBrowser,
  openSignedIn,
  site,
  user,
}) => {
  complaints.allowSessionEnd();
  await site.signIn(user);
  await site.visit('/devices');
  const phone = await openSignedIn(user, { path: '/devices', ...PHONE });
  await expect(phone.devices.all).toHaveCount(2);

  const tablet = await openBrowser({ userAgent: models['Galaxy Tab S9'].userAgent });
  await tablet.page.goto('/login?next=/devices');
  const told = site.page.getByText(REASON);
  await Promise.all([told.waitFor(), tablet.login.fillAndSubmit(user)]);
  await expect(site.page).toHaveURL('/login?next=%2Fdevices');
  await expect(tablet.devices.all).toHaveCount(2);
  await phone.page.reload();
  await expect(phone.devices.all).toHaveCount(2);

  await site.page.goto('/account');
  await expect(site.notice).toHaveText(REASON);
});

test('signing in again in the same browser is no device more', async ({ openSignedIn, page, site, user }) => {
  await openSignedIn(user, PHONE);
  for (let times = 0; times < 3; times++) await site.signIn(user);
  await page.goto('/devices');
  await expect(site.devices.all).toHaveCount(2);
  await expect(site.devices.device('Safari')).toBeVisible();
});
