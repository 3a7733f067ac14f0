import { Authenticator } from '../authenticator';
import { expect, expectAccessible, expectNoSidewaysScroll, test } from '../fixtures';
import { code } from '../totp';

// An IP address is no RP ID.
test.use({ settings: { SEKISHO_BASE_URL: 'http://localhost:{port}' } });

test.beforeEach(async ({ page, site, user }) => {
  // Chromium's authenticator would answer autofill at once.
  await page.addInitScript(() => {
    PublicKeyCredential.isConditionalMediationAvailable = async () => false;
  });
  await Authenticator.on(page);
  await site.signIn(user);
  await site.passkeys.openAndAdd('Laptop');
  await expect(site.passkeys.all).toHaveCount(1);
});

test('a passkey is the second step after a password, in place of a code', async ({ page, site, user }) => {
  const main = page.getByRole('main');
  await main.getByRole('button', { name: 'Set up an authenticator app' }).click();
  await main.getByText('Can’t scan it?').click();
  await main.getByLabel('Code from the app').fill(code((await main.locator('code').textContent())!));
  await main.getByRole('button', { name: 'Turn on' }).click();
  await expect(main.getByRole('listitem')).toHaveCount(10);
  await site.nav.signOut.click();
  await expect(page).toHaveURL(/\/login/);
  await page.goto('/login?next=/devices');
  await site.login.fillAndSubmit(user);
  await expect(main.getByRole('heading', { name: 'Confirm it’s you' })).toBeVisible();
  await expectAccessible(page);
  await page.setViewportSize({ width: 320, height: 640 });
  await expectNoSidewaysScroll(page);
  await site.stepUp.passkey.click();
  await expect(page).toHaveURL('/devices');
});

test('a passkey signs in again in place', async ({ api, complaints, page, site, user }) => {
  complaints.allowSessionEnd();
  await page.goto('/account');
  await site.account.about.fill('I keep bees.');
  await api.endAllOthers(user);
  await expect(site.keeper.signInAgain).toBeVisible();
  await expectAccessible(page);
  await site.keeper.passkey.click();
  await expect(site.keeper.signInAgain).toBeHidden();
  await expect(site.account.about).toHaveValue('I keep bees.');
  await site.account.save.click();
  await expect(site.notice).toHaveText('Your changes were saved.');
});
