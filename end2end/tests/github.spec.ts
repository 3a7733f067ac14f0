import { expect, newPerson, test, type GithubAccount } from '../fixtures';

test('somebody new comes in with GitHub, and comes back the same way', async ({ githubAccount, page, site }) => {
  const { login } = await githubAccount({ name: 'Octavia' });
  await site.signInWithGithub(login, '/account');
  await expect(page).toHaveURL('/account');
  await expect(site.account.name).toHaveValue('Octavia');

  await site.nav.signOut.click();
  await site.login.github.click();
  await site.github.authorize(login);
  await expect(site.heading).toContainText('Octavia');
});

test('GitHub offers itself on the page for registering, too', async ({ githubAccount, page, site }) => {
  const { login } = await githubAccount();
  await page.goto('/register?next=/devices');
  await site.login.github.click();
  await site.github.authorize(login);
  await expect(page).toHaveURL('/devices');
});

test('whoever cancels at GitHub can start again', async ({ complaints, page, site }) => {
  complaints.allow(403, '/auth/github/callback');
  await page.goto('/login');
  await site.login.github.click();
  await site.github.cancel();
  await expect(page.getByText('You did not allow the sign-in with GitHub.')).toBeVisible();
  await page.getByRole('link', { name: 'Back to sign-in' }).click();
  await expect(page).toHaveURL('/login');
});

const NO_EMAIL = 'Your GitHub account has no verified primary email address. Verify one at GitHub, then start again.';
const DOWN = 'GitHub did not answer as it should. Please try again later.';
const ANSWERS: [what: string, account: Partial<GithubAccount>, status: number, message: string][] = [
  ['an expired code', { fails: 'expired code' }, 403, "GitHub's answer came too late. Please start again."],
  ['an error of its token endpoint', { fails: 'token endpoint' }, 502, DOWN],
  ['an error of its API', { fails: 'api' }, 502, DOWN],
  ['no answer for ten seconds', { fails: 'silence' }, 502, 'GitHub took too long to answer. Please try again.'],
  ['no address at all', { emails: [] }, 403, NO_EMAIL],
  ['an unverified address', { emails: [{ email: 'a@example.com', primary: true, verified: false }] }, 403, NO_EMAIL],
];

for (const [what, account, status, message] of ANSWERS) {
  test(`GitHub's answer is explained: ${what}`, async ({ complaints, githubAccount, page, site }) => {
    complaints.allow(status, '/auth/github/callback');
    const { login } = await githubAccount(account);
    await site.signInWithGithub(login);
    await expect(page.getByText(message)).toBeVisible({ timeout: 15_000 });
    await expect(site.nav.signOut).toBeHidden();
  });
}

test('an answer that this browser never asked for is refused', async ({ complaints, page }) => {
  complaints.allow(403, '/auth/github/callback');
  await page.goto('/auth/github/callback?code=stolen&state=guessed');
  await expect(page.getByText('has expired or was started in another browser')).toBeVisible();
});

test("an address that has an account needs that account's password", async ({
  complaints,
  githubAccount,
  page,
  site,
  user,
}) => {
  complaints.allow(401, '/auth/github/confirm');
  const { login } = await githubAccount({ emails: [{ email: user.email, primary: true, verified: true }] });
  await site.signInWithGithub(login, '/account');
  await expect(site.heading).toHaveText('Is this account yours?');
  await expect(site.nav.signOut).toBeHidden();

  const link = page.getByRole('button', { name: 'Link and sign in' });
  await site.login.password.fill('not my password');
  await link.click();
  await expect(site.alert).toHaveText('The email address or the password is not right.');

  await site.login.password.fill(user.password);
  await link.click();
  await expect(page).toHaveURL('/account');
  await expect(page.getByText(`Linked to ${login}`)).toBeVisible();

  await site.nav.signOut.click();
  await site.login.github.click();
  await site.github.authorize(login);
  await expect(site.heading).toContainText(user.name);
});

test('GitHub is linked and unlinked on the account page', async ({ githubAccount, page, site, user }) => {
  const { login } = await githubAccount();
  await site.signIn(user);
  await site.account.openAndLinkGithub(login);
  await expect(site.notice).toHaveText('GitHub is linked.');
  await expect(page.getByText(`Linked to ${login}`)).toBeVisible();

  await site.account.unlinkGithub.click();
  await expect(site.notice).toHaveText('GitHub is no longer linked.');
  await expect(site.account.linkGithub).toBeVisible();
});

test('a GitHub account belongs to one person only', async ({
  complaints,
  githubAccount,
  openBrowser,
  page,
  site,
  user,
}) => {
  complaints.allow(403, '/auth/github/callback');
  const { login } = await githubAccount();
  const other = await openBrowser();
  await other.signInWithGithub(login);
  await expect(other.nav.signOut).toBeVisible();

  await site.signIn(user);
  await site.account.openAndLinkGithub(login);
  await expect(page.getByText('This GitHub account is linked to another account')).toBeVisible();
});

test('the last way in stays until there is a password', async ({ githubAccount, page, site }) => {
  const { login } = await githubAccount();
  // A link to where the button leads goes to the button.
  await page.goto('/auth/github?next=/account');
  await expect(page).toHaveURL('/login?next=%2Faccount');
  await site.login.github.click();
  await site.github.authorize(login);
  await expect(page.getByText('GitHub is your only way in. Set a password before you unlink it.')).toBeVisible();
  await expect(site.account.unlinkGithub).toBeHidden();
  expect((await page.request.post('/auth/github/unlink')).status()).toBe(409);

  await page.getByRole('link', { name: 'Set a password' }).click();
  await site.password.new.fill(newPerson().password);
  await site.password.submit.click();
  await site.account.unlinkGithub.click();
  await expect(site.notice).toHaveText('GitHub is no longer linked.');
});

test('a changed password takes GitHub along unless the box is unticked', async ({
  githubAccount,
  page,
  site,
  user,
}) => {
  const { login } = await githubAccount();
  await site.signIn(user);
  await site.account.openAndLinkGithub(login);
  await page.goto('/account/password');
  await expect(site.password.unlink).toBeChecked();
  await site.password.unlink.uncheck();
  const next = newPerson().password + '!';
  await site.password.current.fill(user.password);
  await site.password.new.fill(next);
  await site.password.submit.click();
  await expect(page.getByText(`Linked to ${login}`)).toBeVisible();

  await page.goto('/account/password');
  await site.password.current.fill(next);
  await site.password.new.fill(user.password);
  await site.password.submit.click();
  await expect(site.notice).toContainText('GitHub is no longer linked.');
  await expect(site.account.linkGithub).toBeVisible();
});
