import { expect, newPerson, test } from '../fixtures';

test.describe('with a browser set to Japanese', () => {
  test.use({ locale: 'ja-JP' });

  test('a stranger is met in Japanese, and their account stays so', async ({ openSignedIn, page }) => {
    const person = newPerson();
    await page.goto('/register');
    await expect(page.locator('html')).toHaveAttribute('lang', 'ja');
    await page.getByLabel('メールアドレス').fill(person.email);
    await page.getByLabel('パスワード').fill(person.password);
    await page.getByRole('main').getByRole('button', { name: 'アカウントを作成' }).click();
    await expect(page.getByRole('button', { name: 'サインアウト', exact: true })).toBeVisible();

    const english = await openSignedIn(person, { locale: 'en-GB' });
    await english.page.goto('/devices');
    await expect(english.page.locator('html')).toHaveAttribute('lang', 'ja');
  });

  test('what the islands say is Japanese as well', async ({ page }) => {
    await page.goto('/register');
    await page.getByLabel('パスワード').fill('password');
    await expect(page.getByText('とても弱い：すぐに推測されます')).toBeVisible();
  });
});

test('the foot of each page changes the language of this browser', async ({ page, site }) => {
  await page.goto('/login?next=/devices');
  await site.nav.language('日本語').click();
  await expect(page).toHaveURL('/login?next=/devices');
  await expect(page.locator('html')).toHaveAttribute('lang', 'ja');
  await expect(site.nav.language('日本語')).toHaveAttribute('aria-pressed', 'true');
  await page.goto('/');
  await expect(page.locator('html')).toHaveAttribute('lang', 'ja');
  await site.nav.language('English').click();
  await expect(page.locator('html')).toHaveAttribute('lang', 'en');
});

test('the account page changes the language everywhere', async ({ openSignedIn, page, site, user }) => {
  await site.signIn(user);
  await page.goto('/account');
  await site.account.language.selectOption('日本語');
  await site.account.save.click();
  await expect(page.locator('html')).toHaveAttribute('lang', 'ja');

  const other = await openSignedIn(user);
  await other.page.goto('/');
  await expect(other.page.locator('html')).toHaveAttribute('lang', 'ja');
});
