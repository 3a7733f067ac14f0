import { Authenticator } from '../authenticator';
import { expect, expectAccessible, test } from '../fixtures';

// An IP address is no RP ID. A passkey is added within the time after which the sign-in is too old.
test.use({ settings: { SEKISHO_BASE_URL: 'http://localhost:{port}', SEKISHO_STEP_UP: '12s' } });

test('a passkey confirms who it is, and what was asked for then happens', async ({ complaints, page, site, user }) => {
  complaints.allow(403, '/devices/end-others');
  complaints.allow(403, '/account/passkeys/remove');
  // Chromium's authenticator would answer autofill at once.
  await page.addInitScript(() => {
    PublicKeyCredential.isConditionalMediationAvailable = async () => false;
  });
  await Authenticator.on(page);
  await site.signIn(user);
  await site.passkeys.openAndAdd('Laptop');
  await expect(site.passkeys.all).toHaveCount(1);
  await site.becomeOld();
  await page.goto('/account/security');
  await site.passkeys.remove('Laptop').click();
  await expect(site.stepUp.heading).toBeVisible();
  await expectAccessible(page);
  await site.stepUp.passkey.click();
  // The session presented the passkey that is gone.
  await expect(page).toHaveURL(/\/login/);
});

test('what a passkey needs first is asked for before the device asks', async ({ complaints, page, site, user }) => {
  complaints.allow(401, '/session/passkeys/enrol');
  complaints.allow(403, '/account/passkeys');
  await Authenticator.on(page);
  await site.signInLongAgo(user);
  await site.passkeys.openAndAdd('Laptop');
  await expect(site.stepUp.heading).toBeVisible();
  await site.stepUp.fillAndSubmit(user.password);
  await expect(page.getByText('Now press “Add a passkey” again.')).toBeVisible();
  await site.passkeys.add.click();
  await expect(site.passkeys.all).toHaveCount(1);
});
