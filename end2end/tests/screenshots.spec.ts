// The README's pictures. With UPDATE_SCREENSHOTS=1 they go to screenshots/, else among the results.
import { expect, newPerson, PHONE, test } from '../fixtures';

test.use({ viewport: { width: 1280, height: 800 }, timezoneId: 'Asia/Tokyo' });

for (const colorScheme of ['light', 'dark'] as const) {
  test(`pictures of the ${colorScheme} pages`, async ({ api, openSignedIn, page, site }, testInfo) => {
    const folder = process.env.UPDATE_SCREENSHOTS ? 'screenshots' : testInfo.outputPath();
    const take = (name: string) => page.screenshot({ path: `${folder}/${name}-${colorScheme}.png`, fullPage: true });
    const person = newPerson();
    await api.register(person);
    await page.emulateMedia({ colorScheme });

    await page.goto('/');
    await take('home');

    await page.goto('/login');
    await expect(page.getByRole('button', { name: 'Show password' })).toBeVisible();
    await take('login');

    await openSignedIn(person, PHONE);
    await api.signIn(person, 'backup script');
    await site.signIn(person);
    await site.visit('/devices');
    await expect(site.devices.all).toHaveCount(3);
    await take('devices');
  });
}
