import type { Locator } from '@playwright/test';
import { expect, expectAccessible, expectNoSidewaysScroll, newPerson, test } from '../fixtures';

const PAGES = [
  { path: '/' },
  { path: '/login' },
  { path: '/register' },
  { path: '/forgot-password' },
  { path: '/no-such-page', missing: true },
  { path: '/', signedIn: true },
  { path: '/account', signedIn: true },
  { path: '/account/password', signedIn: true },
  { path: '/account/security', signedIn: true },
  { path: '/account/data', signedIn: true },
  { path: '/devices', signedIn: true },
  { path: '/security', signedIn: true },
  { path: '/admin', signedIn: true, admin: true },
  { path: '/admin?by=day', signedIn: true, admin: true },
  { path: '/admin/users', signedIn: true, admin: true },
  { path: '/admin/users/:own', signedIn: true, admin: true },
  { path: '/admin/sessions', signedIn: true, admin: true },
  { path: '/admin/events', signedIn: true, admin: true },
  { path: '/admin/roles', signedIn: true, admin: true },
];

for (const { path, signedIn, missing, admin } of PAGES) {
  test.describe(signedIn ? `${path}, signed in,` : path, () => {
    let address = path;

    test.beforeEach(async ({ api, complaints, server, site }) => {
      if (missing) complaints.allow(404, path);
      if (!signedIn) return;
      // As long as names may be, and without a blank to break at.
      const person = { ...newPerson(), name: 'W'.repeat(100) };
      address = path.replace(':own', await api.register(person));
      await api.signIn(person, 'M'.repeat(100));
      if (admin) await server.sekisho('user', 'grant', person.email, 'admin');
      await site.signIn(person);
    });

    test('is accessible in light and dark', async ({ page }) => {
      const answer = await page.goto(address);
      expect(answer!.ok()).toBe(!missing);
      await expectAccessible(page);
    });

    for (const locale of ['en-GB', 'ja-JP']) {
      for (const [screen, width] of [
        ['narrow', 360],
        ['wide', 1280],
      ] as const) {
        test.describe(`on a ${screen} screen`, () => {
          test.use({ locale, viewport: { width, height: 640 } });

          test(`never scrolls sideways in ${locale}`, async ({ page }) => {
            await page.goto(address);
            await expect(page.locator('html')).toHaveAttribute('lang', locale.slice(0, 2));
            await expectNoSidewaysScroll(page);
          });
        });
      }
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
  await expect(site.heading).toContainText('Welcome');

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

test('finding somebody and looking through the log takes nothing but a keyboard', async ({
  adminSite: site,
  page,
  user,
}) => {
  await page.goto('/admin');
  await tabTo(site.admin.tab('Users'));
  await page.keyboard.press('Enter');
  await tabTo(site.admin.users.search);
  await page.keyboard.type(user.email);
  await page.keyboard.press('Enter');
  await expect(site.admin.rows).toHaveCount(1);
  await tabTo(site.admin.row(user.email).getByRole('link'));
  await page.keyboard.press('Enter');
  await expect(site.heading).toHaveText(user.name);

  await tabTo(site.admin.tab('Log'));
  await page.keyboard.press('Enter');
  await tabTo(site.admin.log.person);
  await page.keyboard.type(user.email);
  await tabTo(site.admin.log.kind);
  await page.keyboard.type('Account c');
  await tabTo(site.admin.log.submit);
  await page.keyboard.press('Enter');
  await expect(site.admin.rows).toHaveCount(1);
  await tabTo(site.admin.rows.getByText('Details'));
  await page.keyboard.press('Enter');
  await expect(site.admin.rows.getByText('Hash')).toBeVisible();
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

test('times are those of the reader', async ({ openSignedIn, user }) => {
  const there = await openSignedIn(user, { timezoneId: 'Asia/Tokyo' });
  await there.page.goto('/devices');
  const time = there.page.getByRole('main').getByRole('time').first();
  const at = new Date((await time.getAttribute('datetime'))!);
  await expect(time).toHaveText('just now');
  await expect(time).toHaveAttribute(
    'title',
    at.toLocaleString('en', { dateStyle: 'medium', timeStyle: 'short', timeZone: 'Asia/Tokyo' }),
  );
});

/** Presses Tab until `target` has the focus. */
async function tabTo(target: Locator) {
  const isFocused = () => target.evaluate((element) => element === document.activeElement);
  for (let steps = 0; steps < 60 && !(await isFocused()); steps++) await target.page().keyboard.press('Tab');
  await expect(target).toBeFocused();
}

function brightness(colour: string) {
  const [red, green, blue] = colour.match(/\d+/g)!.map(Number);
  return (red + green + blue) / 3;
}
