// The README's pictures of the administrator's pages on a crowd. Only with UPDATE_SCREENSHOTS=1, for which
// scripts/end-to-end compiles what makes the crowd.
import { expect, test } from '../fixtures';

test.skip(!process.env.UPDATE_SCREENSHOTS, 'made-up data is not in the shipped binary');
test.use({ viewport: { width: 1280, height: 800 }, timezoneId: 'Asia/Tokyo', settings: {} });

test("pictures of the administrator's pages", async ({ page, server, site }) => {
  await server.fill('--users', '300', '--sessions', '900', '--events', '6000');
  await site.signIn({ name: 'Admin', email: 'admin@example.test', password: 'correct horse battery staple' });
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme });
    await page.goto('/admin');
    await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
    await page.screenshot({ path: `screenshots/admin-${colorScheme}.png`, fullPage: true });
  }
});
