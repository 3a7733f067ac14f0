import { Authenticator } from '../authenticator';
import { expect, expectAccessible, expectNoSidewaysScroll, test } from '../fixtures';
import type { Site } from '../pages';

// An IP address is no RP ID.
test.use({ settings: { SEKISHO_BASE_URL: 'http://localhost:{port}' } });

/** Autofill would be answered at once: Chromium's authenticator doesn't wait for a choice. */
async function withoutAutofill({ page }: Site) {
  await page.addInitScript(() => {
    PublicKeyCredential.isConditionalMediationAvailable = async () => false;
  });
}

/** Signs in, adds a passkey, and signs out. From then on the person answers nothing. */
async function enrol(site: Site, authenticator: Authenticator, person: { name: string; email: string; password: string }) {
  await site.signIn(person);
  await site.passkeys.openAndAdd('Laptop');
  await expect(site.passkeys.all).toHaveCount(1);
  await authenticator.setPresent(false);
  await site.nav.signOut.click();
  await expect(site.page).toHaveURL(/\/login/);
}

test('a passkey is added, and signs in by the button', async ({ page, site, user }) => {
  await withoutAutofill(site);
  const authenticator = await Authenticator.on(page);
  await site.signIn(user);
  await page.goto('/account/security');
  await expect(site.passkeys.name).not.toHaveValue('');
  await expectAccessible(page);
  await site.passkeys.name.fill('Laptop');
  await site.passkeys.add.click();
  await expect(page.getByText('The passkey was added.')).toBeVisible();
  await expect(site.passkeys.all).toContainText(['Laptop']);
  await expect(site.passkeys.all).toContainText(['Never']);
  expect(await authenticator.passkeys()).toMatchObject([{ isResidentCredential: true, rpId: 'localhost' }]);
  await expectAccessible(page);

  await site.nav.signOut.click();
  await expect(page).toHaveURL(/\/login/);
  await page.goto('/login?next=/account/security');
  await expectAccessible(page);
  await site.login.passkey.click();
  await expect(page).toHaveURL('/account/security');
  await expect(site.passkeys.all).not.toContainText(['Never']);
});

test('a passkey signs in from the suggestions of the field', async ({ page, site, user }) => {
  const authenticator = await Authenticator.on(page);
  await enrol(site, authenticator, user);
  await expect(site.login.email).toHaveAttribute('autocomplete', 'username webauthn');
  await authenticator.setPresent(true);
  // Chromium's authenticator chooses the suggestion by itself.
  await page.goto('/login?next=/devices');
  await expect(page).toHaveURL('/devices');
  expect(await authenticator.passkeys()).toHaveLength(1);
});

test('the button works while the suggestions wait', async ({ page, site, user }) => {
  // Autofill that waits for a choice, as real browsers' does.
  await page.addInitScript(() => {
    const get = navigator.credentials.get.bind(navigator.credentials);
    navigator.credentials.get = (options) =>
      options?.mediation === 'conditional'
        ? new Promise((_, reject) => options.signal!.addEventListener('abort', () => reject(options.signal!.reason)))
        : get(options);
  });
  const authenticator = await Authenticator.on(page);
  await enrol(site, authenticator, user);
  await authenticator.setPresent(true);
  const begun = page.waitForResponse('/session/passkeys/sign-in');
  await page.goto('/login?next=/devices');
  await begun;
  await site.login.passkey.click();
  await expect(page).toHaveURL('/devices');
});

test('who cancels is told so, and can sign in otherwise', async ({ complaints, page, site, user }) => {
  complaints.allow(401, '/login');
  await withoutAutofill(site);
  const authenticator = await Authenticator.on(page);
  await enrol(site, authenticator, user);
  await authenticator.setPresent(true);
  await page.goto('/login');
  await site.login.email.fill(user.email);
  await authenticator.setVerified(false);
  await site.login.passkey.click();
  await expect(page.getByText('No passkey was used. You can try again, or continue another way.')).toBeVisible();
  await expect(site.login.email).toHaveValue(user.email);
  await authenticator.setVerified(true);
  await site.login.passkey.click();
  await expect(page).toHaveURL('/');
});

test('a device has one passkey of an account', async ({ page, site, user }) => {
  await Authenticator.on(page);
  await site.signIn(user);
  await site.passkeys.openAndAdd('Laptop');
  await expect(site.passkeys.all).toHaveCount(1);
  await site.passkeys.add.click();
  await expect(page.getByText('This device already has a passkey for your account.')).toBeVisible();
  await expect(site.passkeys.all).toHaveCount(1);
});

test('a passkey that the server has removed is refused', async ({ complaints, openBrowser, page, site, user }) => {
  complaints.allow(401, '/login/passkey');
  await withoutAutofill(site);
  await Authenticator.on(page);
  await site.signIn(user);
  await site.passkeys.openAndAdd('Laptop');
  await expect(site.passkeys.all).toHaveCount(1);
  await page.goto('/login');
  await site.nav.signOut.click();
  await expect(page).toHaveURL(/\/login/);
  await page.goto('/login?next=/account/security');
  await site.login.passkey.click();
  await expect(site.passkeys.all).toHaveCount(1);
  await site.passkeys.remove('Laptop').click();
  await expect(page).toHaveURL(/\/login/);
  await site.login.passkey.click();
  await expect(site.alert).toHaveText('This passkey was not accepted. It may have been removed. Please try another way.');
  await site.login.fillAndSubmit(user);
  await expect(page).toHaveURL('/account/security');
});

test('a passkey is offered once after a sign-in, and no is an answer', async ({ openSignedIn, page, site, user }) => {
  await Authenticator.on(page);
  await page.goto('about:blank');
  await site.signIn(user);
  await page.goto('/devices');
  await expect(site.passkeys.offer).toBeVisible();
  await expectAccessible(page);
  await page.goto('/account');
  await expect(site.heading).toHaveText('Account');
  await expect(site.passkeys.offer).toBeHidden();

  await page.goto('about:blank');
  await site.signIn(user);
  await page.goto('/devices');
  await site.passkeys.offer.getByRole('button', { name: 'Not now' }).click();
  await expect(page).toHaveURL('/devices');
  await page.goto('about:blank');
  await site.signIn(user);
  await page.goto('/devices');
  await expect(site.devices.all).not.toHaveCount(0);
  await expect(site.passkeys.offer).toHaveCount(0);
});

test('it says the same in Japanese', async ({ page, site, user }) => {
  await withoutAutofill(site);
  const authenticator = await Authenticator.on(page);
  await enrol(site, authenticator, user);
  await authenticator.setPresent(true);
  await page.goto('/login?next=/account/security');
  await site.nav.language('日本語').click();
  await expect(page.locator('html')).toHaveAttribute('lang', 'ja');
  await page.getByRole('button', { name: 'パスキーでサインイン' }).click();
  await expect(page).toHaveURL('/account/security');
  await site.nav.language('日本語').click();
  await expect(page.getByRole('heading', { name: 'パスキー' })).toBeVisible();
  await expect(page.getByText('この端末のみ')).toBeVisible();
  await expectAccessible(page);
});

test('the pages fit a narrow screen', async ({ page, site, user }) => {
  await Authenticator.on(page);
  await site.signIn(user);
  await page.setViewportSize({ width: 320, height: 640 });
  await site.passkeys.openAndAdd('A phone with a name that is rather long, longer than most');
  await expect(site.passkeys.all).toHaveCount(1);
  await expectNoSidewaysScroll(page);
});

test.describe('without JavaScript', () => {
  test.use({ javaScriptEnabled: false });

  test('there is the password, and no button that does nothing', async ({ page, site, user }) => {
    await page.goto('/login?next=/account/security');
    await expect(site.login.passkey).toBeHidden();
    await site.login.fillAndSubmit(user);
    await expect(page).toHaveURL('/account/security');
    await expect(site.passkeys.add).toBeHidden();
    await expect(page.locator('noscript .hint')).toHaveText('Adding a passkey needs JavaScript.');
    await expect(site.passkeys.offer).toBeHidden();
  });
});
