// The README's pictures of a house with people in it. With UPDATE_SCREENSHOTS=1 they go to screenshots/.
import { expect, test } from '../fixtures';

test.use({ viewport: { width: 1280, height: 800 }, timezoneId: 'Asia/Tokyo', settings: {} });

test("pictures of the administrator's pages", async ({ page, server, site }, testInfo) => {
  const folder = process.env.UPDATE_SCREENSHOTS ? 'screenshots' : testInfo.outputPath();
  await server.sekisho('dev', 'fill', '--users', '300', '--sessions', '900', '--events', '6000');
  await site.signIn({ name: 'Admin', email: 'admin@example.test', password: 'correct horse battery staple' });
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    await page.goto('/admin');
    await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
    await page.screenshot({ path: `${folder}/admin-${colorScheme}.png`, fullPage: true });
  }
});
