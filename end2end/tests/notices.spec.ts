import { expect, expectAccessible, PHONE, test } from '../fixtures';

test('a sign-in on a new device is shown on every page until one has seen it', async ({
  openSignedIn,
  page,
  site,
  user,
}) => {
  await site.signIn(user);
  await page.goto('/');
  await expect(site.nav.security).toHaveAccessibleName('Security');

  const phone = await openSignedIn(user, PHONE);
  await page.reload();
  await expect(site.nav.security).toHaveAccessibleName('Security New security notice');
  await site.nav.security.click();
  await expect(site.security.entries).toHaveCount(1);
  await expect(site.security.entries).toContainText('New sign-in: Safari on iOS');
  await expect(site.security.entries).toContainText('Safari');
  await expectAccessible(page);

  await site.security.seen.click();
  await expect(page).toHaveURL('/security');
  await expect(site.security.notices).toBeHidden();
  await expect(site.nav.security).toHaveAccessibleName('Security');
  await phone.page.goto('/');
  await expect(phone.nav.security).toHaveAccessibleName('Security');
});

test('a device that is known by now is no news, a changed password is', async ({ openSignedIn, page, site, user }) => {
  await site.signIn(user);
  await openSignedIn(user, PHONE);
  await page.goto('/security');
  await site.security.seen.click();

  await openSignedIn(user, PHONE);
  await page.reload();
  await expect(site.nav.security).toHaveAccessibleName('Security');

  await page.goto('/account/password');
  await site.password.current.fill(user.password);
  await site.password.new.fill('three boats crossed the Arai strait');
  await site.password.submit.click();
  await expect(site.nav.security).toHaveAccessibleName('Security New security notice');
  await site.nav.security.click();
  await expect(site.security.entries).toHaveText(/Password changed/);
});

test.describe('without JavaScript', () => {
  test.use({ javaScriptEnabled: false });

  test('it is seen and put away as well', async ({ openSignedIn, page, site, user }) => {
    await site.signIn(user);
    await openSignedIn(user, PHONE);
    await page.goto('/');
    await site.nav.security.click();
    await site.security.seen.click();
    await expect(site.security.notices).toBeHidden();
    await expect(site.nav.security).toHaveAccessibleName('Security');
  });
});
