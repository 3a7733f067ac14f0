import type { Page } from '@playwright/test';
import { expect, expectAccessible, newPerson, test } from '../fixtures';

const TEXT = 'I keep bees.\nAnd a diary: 日記';

test.beforeEach(async ({ complaints, site, user }) => {
  complaints.allowSessionEnd();
  await site.signIn(user);
  await site.visit('/account');
});

test('a session that ends over something typed is begun again in place', async ({ api, page, site, user }) => {
  await site.account.about.fill(TEXT);
  await api.endAllOthers(user);
  await expect(site.keeper.signInAgain).toHaveAccessibleDescription(
    'You were signed out from another of your devices.',
  );
  await expect(site.keeper.password).toBeFocused();
  await expectAccessible(page);

  await site.keeper.password.fill('not my password');
  await site.keeper.submit.click();
  await expect(site.keeper.password).toHaveAccessibleDescription('That password is not right. Please try again.');

  await site.keeper.password.fill(user.password);
  await site.keeper.submit.click();
  await expect(site.keeper.signInAgain).toBeHidden();
  await expect(site.account.about).toHaveValue(TEXT);
  await site.account.save.click();
  await expect(site.notice).toHaveText('Your changes were saved.');
  await expect(site.account.about).toHaveValue(TEXT);
});

test('the dialog stays whatever key is pressed, and goes when another tab signs in', async ({
  api,
  page,
  site,
  user,
}) => {
  await site.account.about.fill(TEXT);
  await api.endAllOthers(user);
  await expect(site.keeper.signInAgain).toBeVisible();
  await page.keyboard.press('Escape');
  await page.keyboard.press('Escape');
  await expect(site.keeper.signInAgain).toBeVisible();

  const other = await site.openTab();
  await other.signInByForm(user);
  await expect(site.keeper.signInAgain).toBeHidden();
  await expect(site.account.about).toHaveValue(TEXT);
});

test('what was typed comes back after a reload, or is discarded', async ({ page, site }) => {
  await site.account.about.fill(TEXT);
  await page.reload();
  await expect(site.notice).toHaveText('Your unsaved text was restored.');
  await expect(site.account.about).toHaveValue(TEXT);

  await site.account.discard.click();
  await expect(site.account.about).toBeEmpty();
  await site.visit('/account');
  await expect(site.account.about).toBeEmpty();
});

test('what was typed comes back after the sign-in page', async ({ api, page, site, user }) => {
  await site.account.about.fill(TEXT);
  await api.endAllOthers(user);
  await site.keeper.signInPage.click();
  await site.login.fillAndSubmit(user);
  await expect(page).toHaveURL('/account');
  await expect(site.account.about).toHaveValue(TEXT);
});

test('nobody else sees it', async ({ api, page, site, user }) => {
  const other = newPerson();
  await api.register(other);
  await site.account.about.fill(TEXT);
  await api.endAllOthers(user);
  await site.keeper.signInPage.click();
  await Promise.all([page.waitForRequest('/session/events'), site.login.fillAndSubmit(other)]);
  await expect(site.account.name).toHaveValue(other.name);
  await expect(site.account.about).toBeEmpty();
  expect(await drafts(page)).toEqual([]);
});

test('a form sent after the session ended loses nothing', async ({ api, complaints, page, site, user }) => {
  // The page has not heard of it, as its keeper is cut off.
  complaints.allow('offline', '/session/');
  await page.route('/session/*', (route) => route.abort());
  await Promise.all([page.waitForRequest('/session/events'), page.goto('/account')]);
  await api.endAllOthers(user);
  await site.account.about.fill(TEXT);
  await site.account.save.click();
  await expect(site.notice).toHaveText('You were signed out from another of your devices.');

  await page.unrouteAll();
  await site.login.fillAndSubmit(user);
  await expect(page).toHaveURL('/account');
  await expect(site.account.about).toHaveValue(TEXT);
  await site.account.save.click();
  await expect(site.notice).toHaveText('Your changes were saved.');
});

test('nothing stays behind once it is saved', async ({ page, site }) => {
  await site.account.about.fill(TEXT);
  await Promise.all([page.waitForRequest('/session/events'), site.account.save.click()]);
  await expect(site.notice).toHaveText('Your changes were saved.');
  expect(await drafts(page)).toEqual([]);
});

test('nothing stays behind after a deliberate sign-out', async ({ page, site, user }) => {
  await site.account.about.fill(TEXT);
  await site.nav.signOut.click();
  await expect(site.keeper.losingText).toHaveAccessibleDescription(/About · Account/);
  await expectAccessible(page);
  await site.keeper.stayWithText.click();
  await expect(site.keeper.losingText).toBeHidden();
  await expect(site.account.about).toHaveValue(TEXT);

  await site.nav.signOut.click();
  await site.keeper.discardText.click();
  await expect(site.notice).toHaveText('You signed out.');
  expect(await drafts(page)).toEqual([]);
  await site.signIn(user);
  await site.visit('/account');
  await expect(site.account.about).toBeEmpty();
});

test('a sign-out names the text in another tab, and takes both along', async ({ site }) => {
  await site.account.about.fill(TEXT);
  const other = await site.openTab();
  await other.visit('/devices');
  await other.nav.signOut.click();
  await expect(other.keeper.losingText).toHaveAccessibleDescription(/About · Account/);
  await other.keeper.discardText.click();
  await expect(other.notice).toHaveText('You signed out.');
  await expect(site.notice).toHaveText('You signed out.');
});

test('text that nobody was asked about stays behind the dialog, and is there after signing in', async ({
  page,
  site,
  user,
}) => {
  await site.account.about.fill(TEXT);
  await page.request.post('/logout', { maxRedirects: 0 });
  await expect(site.keeper.signInAgain).toHaveAccessibleDescription('You signed out.');
  await site.keeper.password.fill(user.password);
  await site.keeper.submit.click();
  await expect(site.keeper.signInAgain).toBeHidden();
  await expect(site.account.about).toHaveValue(TEXT);
});

test('what is chosen is kept as what is typed', async ({ page, site }) => {
  await site.account.language.selectOption('日本語');
  await page.reload();
  await expect(site.notice).toHaveText('Your unsaved text was restored.');
  await expect(site.account.language).toHaveValue('ja');
});

test('a tab on the sign-in page comes back when another one signs in', async ({ api, page, site, user }) => {
  await site.visit('/devices');
  await api.endAllOthers(user);
  await expect(page).toHaveURL('/login?next=%2Fdevices');
  const other = await site.openTab();
  await other.signInByForm(user);
  await expect(page).toHaveURL('/devices');
});

test('what was done is not said again after a reload', async ({ page, site }) => {
  await site.account.about.fill(TEXT);
  await site.account.save.click();
  await expect(site.notice).toHaveText('Your changes were saved.');
  await page.reload();
  await expect(site.heading).toHaveText('Account');
  await expect(site.notice).toBeHidden();
});

test('a password is never kept', async ({ page, site }) => {
  await site.visit('/account/password');
  await site.password.new.fill('half a passw');
  await page.getByRole('button', { name: 'Show password' }).last().click();
  await site.visit('/account/password');
  await expect(site.password.new).toBeEmpty();
  expect(await drafts(page)).toEqual([]);
});

function drafts(page: Page) {
  return page.evaluate(() => Object.keys(sessionStorage).filter((key) => key.startsWith('sekisho.draft')));
}
