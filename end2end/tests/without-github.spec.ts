import { expect, test } from '../fixtures';

test.use({ settings: {} });

test('without a client id nothing offers GitHub', async ({ complaints, page, site, user }) => {
  complaints.allow(404, '/auth/github');
  for (const path of ['/login', '/register']) {
    await page.goto(path);
    await expect(site.heading).toBeVisible();
    await expect(site.login.github).toBeHidden();
  }
  await site.signIn(user);
  await page.goto('/account');
  await expect(site.account.save).toBeVisible();
  await expect(site.account.linkGithub).toBeHidden();

  await page.goto('/auth/github');
  await expect(page.getByText('There is nothing here.')).toBeVisible();
});
