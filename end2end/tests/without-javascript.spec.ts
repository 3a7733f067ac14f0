import { devices as models } from '@playwright/test';
import { expect, newPerson, test } from '../fixtures';

test.use({ javaScriptEnabled: false });

test('everything works without JavaScript, from registering to signing out', async ({ openBrowser, page, site }) => {
  const person = newPerson();
  await page.goto('/register?next=/account');
  await site.register.fillAndSubmit(person);
  await expect(page).toHaveURL('/account');

  await site.account.about.fill('First line\nsecond line');
  await site.account.save.click();
  await expect(site.notice).toHaveText('Your changes were saved.');
  await expect(site.account.about).toHaveValue('First line\nsecond line');

  const phone = await openBrowser({ userAgent: models['iPhone 15'].userAgent });
  await phone.signInByForm(person);
  await page.getByRole('link', { name: 'Devices' }).click();
  await expect(site.devices.all).toHaveCount(2);
  await site.devices.end('Safari').click();
  await expect(site.notice).toHaveText('Safari on iOS was signed out.');
  await expect(site.devices.all).toHaveCount(1);

  await phone.page.goto('/account');
  await expect(phone.notice).toHaveText('You were signed out from another of your devices.');
  await phone.login.fillAndSubmit(person);
  await expect(phone.page).toHaveURL('/account');

  await site.devices.openAndEndOthers();
  await expect(site.notice).toHaveText('All other devices were signed out.');

  await page.goto('/account/password');
  await site.password.current.fill(person.password);
  await site.password.new.fill('three boats crossed the Arai strait');
  await site.password.submit.click();
  await expect(site.notice).toHaveText('Your password was changed. All other devices are signed out.');

  await site.nav.language('日本語').click();
  await expect(page.locator('html')).toHaveAttribute('lang', 'ja');
  await site.nav.language('English').click();

  await site.nav.signOut.click();
  await expect(site.notice).toHaveText('You signed out.');
});

test('the server names the faults of a form by itself', async ({ page, request, site }) => {
  const answer = await request.post('/register', { form: { email: 'nobody', name: '', password: 'short' } });
  expect(answer.status()).toBe(422);
  await page.goto('/register');
  await page.setContent(await answer.text());
  await expect(site.register.email).toHaveAccessibleDescription(/Enter one email address/);
  await expect(site.register.password).toHaveAccessibleDescription(/Use at least 8 characters/);
});

test('what only JavaScript could do is not shown', async ({ page }) => {
  await page.goto('/register');
  await expect(page.getByRole('button', { name: 'Show password' })).toBeHidden();
  await expect(page.getByText('A few unrelated words make a strong password.')).toBeHidden();
});
