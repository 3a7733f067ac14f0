import { expect, expectAccessible, expectNoSidewaysScroll, test } from '../fixtures';
import { code } from '../totp';

for (const javaScriptEnabled of [true, false]) {
  test.describe(javaScriptEnabled ? 'with JavaScript' : 'without JavaScript', () => {
    test.use({ javaScriptEnabled });

    test('an authenticator app is set up, and signing in asks for its code', async ({ complaints, page, site, user }) => {
      const main = page.getByRole('main');
      await site.signIn(user);
      await page.goto('/account/security');
      await main.getByRole('button', { name: 'Set up an authenticator app' }).click();
      await main.getByText('Can’t scan it?').click();
      const secret = (await main.locator('code').textContent())!;
      complaints.allow(422, '/account/security/totp/confirm');
      await main.getByLabel('Code from the app').fill('000000');
      await main.getByRole('button', { name: 'Turn on' }).click();
      await expect(main.getByText('This code is not right')).toBeVisible();
      const first = code(secret);
      await main.getByLabel('Code from the app').fill(first);
      await main.getByRole('button', { name: 'Turn on' }).click();
      await expect(main.getByRole('listitem')).toHaveCount(10);
      const recovery = (await main.getByRole('listitem').first().textContent())!;
      if (javaScriptEnabled) await expectAccessible(page);

      const signIn = async () => {
        await page.context().clearCookies();
        await page.goto('/login');
        await site.login.fillAndSubmit(user);
        await expect(main.getByRole('heading', { name: 'Confirm it’s you' })).toBeVisible();
      };
      await signIn();
      if (javaScriptEnabled) await expectAccessible(page);
      // The code of the enrolment is used up; one of the next step is within the drift that is allowed.
      complaints.allow(401, '/login/verify');
      await main.getByLabel('Code', { exact: true }).fill(first);
      await main.getByRole('button', { name: 'Continue' }).first().click();
      await expect(main.getByRole('alert')).toContainText('This code is not right');
      await main.getByLabel('Code', { exact: true }).fill(code(secret, 1));
      await main.getByRole('button', { name: 'Continue' }).first().click();
      await expect(site.nav.signOut).toBeVisible();

      await signIn();
      await main.getByText('Use a recovery code instead').click();
      await main.getByLabel('Recovery code').fill(recovery.toUpperCase().replaceAll('-', ' '));
      await main.getByRole('button', { name: 'Continue' }).last().click();
      await expect(site.nav.signOut).toBeVisible();
      await page.goto('/account/security');
      await expect(main.getByText('9 codes are left.')).toBeVisible();
    });
  });
}

for (const locale of ['en-GB', 'ja-JP']) {
  test.describe(`in ${locale}`, () => {
    test.use({ locale, viewport: { width: 360, height: 640 } });

    test('the pages of an enrolment are accessible and fit a narrow screen', async ({ page, site, user }) => {
      await site.signIn(user);
      for (const path of ['/account/security', '/account/data']) {
        await page.goto(path);
        await expect(page.locator('html')).toHaveAttribute('lang', locale.slice(0, 2));
        await expectAccessible(page);
        await expectNoSidewaysScroll(page);
      }
      await page.goto('/account/security');
      await page.locator('form[action="/account/security/totp"] button').click();
      await expect(page.locator('.qr')).toBeVisible();
      await expectAccessible(page);
      await expectNoSidewaysScroll(page);
      await page.locator('details summary').click();
      const secret = (await page.locator('details code').textContent())!;
      await page.locator('#code').fill(code(secret));
      await page.locator('form:has(#code) button').click();
      await expect(page.locator('.recovery-codes li')).toHaveCount(10);
      await expectAccessible(page);
      await expectNoSidewaysScroll(page);
    });
  });
}
