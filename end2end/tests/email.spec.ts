import { expect, expectAccessible, expectNoSidewaysScroll, newPerson, test } from '../fixtures';
import { link, MAIL } from '../mailbox';

test.use({ settings: MAIL });

for (const javaScriptEnabled of [true, false]) {
  test.describe(javaScriptEnabled ? 'with JavaScript' : 'without JavaScript', () => {
    test.use({ javaScriptEnabled });

    test('an address is confirmed, a forgotten password is set anew, and an owner takes an account back', async ({
      complaints,
      page,
      site,
    }) => {
      const person = newPerson();
      const main = page.getByRole('main');
      await page.goto('/register');
      await site.register.fillAndSubmit(person);
      await expect(main.getByRole('heading', { name: 'Check your email' })).toBeVisible();

      await page.goto(await link(person.email, '/verify-email'));
      await expect(main.getByText(person.email)).toBeVisible();
      await main.getByRole('button', { name: 'Confirm address' }).click();
      await expect(site.notice).toHaveText('Your email address is confirmed.');
      await site.login.fillAndSubmit(person);
      await page.goto('/account');
      await expect(main.getByText('Confirmed', { exact: true })).toBeVisible();
      await site.nav.signOut.click();
      await expect(site.notice).toHaveText('You signed out.');

      await page.goto('/login');
      await main.getByRole('link', { name: 'Forgot your password?' }).click();
      await site.login.email.fill(person.email);
      await main.getByRole('button', { name: 'Send link' }).click();
      await expect(main.getByRole('heading', { name: 'Check your email' })).toBeVisible();
      await page.goto(await link(person.email, '/reset-password'));
      const password = 'three ferries crossed the Oi river';
      await site.password.new.fill(password);
      await main.getByRole('button', { name: 'Set new password' }).click();
      await expect(site.notice).toContainText('Your new password is set');
      await site.login.fillAndSubmit({ ...person, password });
      await expect(site.nav.signOut).toBeVisible();

      // Somebody else did that: the message about it leads to yet another password.
      await page.context().clearCookies();
      await page.goto(await link(person.email, '/not-me'));
      await main.getByRole('button', { name: 'Secure my account' }).click();
      await site.password.new.fill(person.password);
      await main.getByRole('button', { name: 'Set new password' }).click();
      await site.login.fillAndSubmit(person);
      await expect(site.nav.signOut).toBeVisible();

      complaints.allow(403, '/verify-email');
      await page.goto('/verify-email?token=sk_et_used');
      await expect(main.getByRole('heading', { name: 'This link no longer works' })).toBeVisible();
    });
  });
}

test('an address changes when its new owner confirms it, signed in', async ({ page, site }) => {
  const person = newPerson();
  const main = page.getByRole('main');
  await page.goto('/register');
  await site.register.fillAndSubmit(person);
  await page.goto(await link(person.email, '/verify-email'));
  await main.getByRole('button', { name: 'Confirm address' }).click();
  await site.login.fillAndSubmit(person);
  await page.goto('/account');
  await main.getByRole('link', { name: 'Change address' }).click();
  const email = newPerson().email;
  await main.getByLabel('New email address').fill(email);
  await main.getByRole('button', { name: 'Send link' }).click();
  await page.goto(await link(email, '/confirm-email'));
  await main.getByRole('button', { name: 'Change address' }).click();
  await expect(site.notice).toHaveText('Your email address was changed.');
  await expect(main.getByText(email)).toBeVisible();
  await page.context().clearCookies();
  await page.goto(await link(person.email, '/not-me'));
  await expect(main.getByText(`change the email address back to ${person.email}`)).toBeVisible();
});

for (const locale of ['en-GB', 'ja-JP']) {
  test.describe(`in ${locale}`, () => {
    test.use({ locale, viewport: { width: 360, height: 640 } });

    test('every page of a link is accessible and fits a narrow screen', async ({ page }) => {
      const { email, password } = newPerson();
      const check = async () => {
        await expect(page.locator('html')).toHaveAttribute('lang', locale.slice(0, 2));
        await expectAccessible(page);
        await expectNoSidewaysScroll(page);
      };
      const press = () => page.getByRole('main').locator('form').last().getByRole('button').last().click();
      await page.goto('/register');
      await page.locator('#email').fill(email);
      await page.locator('#password').fill(password);
      await press();
      await expect(page.getByRole('main').getByText(email)).toBeVisible();
      await check();
      await page.goto(await link(email, '/verify-email'));
      await check();
      await press();
      await page.goto('/forgot-password');
      await check();
      await page.locator('#email').fill(email);
      await press();
      await page.goto(await link(email, '/reset-password'));
      await check();
      await page.locator('#new_password').fill('three ferries crossed the Oi river');
      await press();
      await expect(page).toHaveURL(/\/login/);
      await page.goto(await link(email, '/not-me'));
      await check();
    });
  });
}
