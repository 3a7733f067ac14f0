import { expect, expectAccessible, newPerson, test } from '../fixtures';

const PAGES = [
  { path: '/' },
  { path: '/login' },
  { path: '/register' },
  { path: '/no-such-page', missing: true },
  { path: '/', signedIn: true },
  { path: '/account', signedIn: true },
  { path: '/account/password', signedIn: true },
  { path: '/devices', signedIn: true },
  { path: '/security', signedIn: true },
];

for (const { path, signedIn, missing } of PAGES) {
  test.describe(signedIn ? `${path}, signed in,` : path, () => {
    test.beforeEach(async ({ api, complaints, site }) => {
      if (missing) complaints.allow(404, path);
      if (!signedIn) return;
      // As long as names may be, and without a blank to break at.
      const person = { ...newPerson(), name: 'W'.repeat(100) };
      await api.register(person);
      await api.signIn(person, 'M'.repeat(100));
      await site.signIn(person);
    });

    test('is accessible in light and dark', async ({ page }) => {
      await page.goto(path);
      await expectAccessible(page);
    });

    for (const locale of ['en-GB', 'ja-JP']) {
      test.describe('on a narrow screen', () => {
        test.use({ locale, viewport: { width: 360, height: 640 } });

        test(`never scrolls sideways in ${locale}`, async ({ page }) => {
          await page.goto(path);
          await expect(page.locator('html')).toHaveAttribute('lang', locale.slice(0, 2));
          expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBe(360);
        });
      });
    }
  });
}

test('dark follows the system', async ({ page }) => {
  await page.goto('/login');
  const paper = () => page.locator('html').evaluate((html) => getComputedStyle(html).backgroundColor);
  await page.emulateMedia({ colorScheme: 'light' });
  expect(brightness(await paper())).toBeGreaterThan(200);
  await page.emulateMedia({ colorScheme: 'dark' });
  expect(brightness(await paper())).toBeLessThan(50);
});

test('signing in and out takes nothing but a keyboard', async ({ page, site, user }) => {
  await page.goto('/login');
  await expect(site.login.email).toBeFocused();
  await page.keyboard.type(user.email);
  await page.keyboard.press('Tab');
  await page.keyboard.type(user.password);
  await page.keyboard.press('Enter');
  await expect(site.heading).toContainText('Welcome back');

  await page.keyboard.press('Tab');
  await expect(page.getByRole('link', { name: 'Skip to content' })).toBeFocused();
  await expect(page.getByRole('link', { name: 'Skip to content' })).toBeInViewport();
  for (const name of ['Sekisho', 'Account', 'Devices', 'Security']) {
    await page.keyboard.press('Tab');
    await expect(page.getByRole('banner').getByRole('link', { name })).toBeFocused();
  }
  await page.keyboard.press('Tab');
  await expect(site.nav.signOut).toBeFocused();
  await page.keyboard.press('Enter');
  await expect(site.notice).toHaveText('You signed out.');
});

test('the meter says how strong a password is while it is typed', async ({ page, site }) => {
  const person = newPerson();
  await page.goto('/register');
  await expect(page.getByText('A few unrelated words make a strong password.')).toBeVisible();
  await site.register.email.fill(person.email);
  await site.register.password.fill('password');
  await expect(site.notice).toHaveText('Very weak: easily guessed');
  // One's own address is no secret.
  await site.register.password.fill(person.email);
  await expect(site.notice).toHaveText('Very weak: easily guessed');
  await site.register.password.fill(person.password);
  await expect(site.notice).toHaveText('Strong');
});

test('a password can be shown', async ({ page, site }) => {
  await page.goto('/login');
  const show = page.getByRole('button', { name: 'Show password' });
  await expect(show).toHaveAttribute('aria-pressed', 'false');
  await expect(site.login.password).toHaveAttribute('type', 'password');
  await show.click();
  await expect(show).toHaveAttribute('aria-pressed', 'true');
  await expect(site.login.password).toHaveAttribute('type', 'text');
  await show.click();
  await expect(site.login.password).toHaveAttribute('type', 'password');
});

test('times are those of the reader', async ({ openBrowser, user }) => {
  const there = await openBrowser({ timezoneId: 'Asia/Tokyo' });
  await there.signIn(user);
  await there.page.goto('/');
  const time = there.page.getByRole('main').getByRole('time');
  const at = new Date((await time.getAttribute('datetime'))!);
  await expect(time).toHaveText(
    at.toLocaleString('en', { dateStyle: 'medium', timeStyle: 'short', timeZone: 'Asia/Tokyo' }),
  );
});

function brightness(colour: string) {
  const [red, green, blue] = colour.match(/\d+/g)!.map(Number);
  return (red + green + blue) / 3;
}
