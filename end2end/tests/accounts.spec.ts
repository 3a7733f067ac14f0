import { expect, newPerson, test } from '../fixtures';

test('a stranger registers, signs out and signs in again', async ({ page, site }) => {
  const person = newPerson();
  await page.goto('/');
  await page.getByRole('main').getByRole('link', { name: 'Create account' }).click();
  await site.register.fillAndSubmit(person);
  await expect(site.heading).toContainText('Welcome');
  await expect(site.heading).toContainText(person.name);

  await site.nav.signOut.click();
  await expect(page).toHaveURL(/\/login/);
  await expect(site.notice).toHaveText('You signed out.');

  await site.login.fillAndSubmit(person);
  await expect(site.heading).toContainText(person.name);
});

test('after signing out, the way back shows nothing of the account', async ({ page, site, user }) => {
  await site.signIn(user);
  await site.visit('/account');
  await site.nav.signOut.click();
  await expect(site.notice).toHaveText('You signed out.');
  await page.goBack();
  await expect(page).toHaveURL('/login?next=%2Faccount');
});

test('a wrong password and an unknown address get the same answer', async ({ complaints, page, site, user }) => {
  complaints.allow(401, '/login');
  await page.goto('/login');
  for (const attempt of [{ ...user, password: 'not my password' }, newPerson()]) {
    await site.login.fillAndSubmit(attempt);
    await expect(site.alert).toHaveText('The email address or the password is not right.');
    await expect(site.login.email).toHaveValue(attempt.email);
    await expect(site.login.password).toBeEmpty();
    await expect(site.login.password).toBeFocused();
  }
});

test('signing in leads to the page one was going to', async ({ page, site, user }) => {
  await page.goto('/devices');
  await expect(page).toHaveURL('/login?next=%2Fdevices');
  await site.login.fillAndSubmit(user);
  await expect(page).toHaveURL('/devices');
});

test('so does registering from there', async ({ page, site }) => {
  await page.goto('/security');
  await page.getByRole('main').getByRole('link', { name: 'Create account' }).click();
  await site.register.fillAndSubmit(newPerson());
  await expect(page).toHaveURL('/security');
  await expect(page.getByRole('listitem').filter({ hasText: 'Account created' })).toBeVisible();
});

for (const next of ['https://evil.example/', '//evil.example/', '/\\evil.example/', '/%09/evil.example/']) {
  test(`signing in never leads to another site: ${next}`, async ({ baseURL, page, site, user }) => {
    await page.goto(`/login?next=${next.includes('%') ? next : encodeURIComponent(next)}`);
    await site.login.fillAndSubmit(user);
    await expect(page).toHaveURL(`${baseURL}/`);
    await expect(site.nav.signOut).toBeVisible();
  });
}

test('an address has one account, however it is written', async ({ complaints, page, site, user }) => {
  complaints.allow(409, '/register');
  await page.goto('/register');
  await site.register.fillAndSubmit({ ...user, email: user.email.toUpperCase() });
  await expect(site.alert).toHaveText("This email address can't be registered. If it is yours, sign in instead.");
});

test('a form with faults names them and keeps what was typed', async ({ complaints, page, site }) => {
  complaints.allow(422, '/register');
  const person = { ...newPerson(), name: 'Ｎａｍｅ <b>&amp;', password: 'password1' };
  await page.goto('/register');
  await site.register.fillAndSubmit(person);
  await expect(site.register.email).toHaveValue(person.email);
  await expect(site.register.name).toHaveValue(person.name);
  await expect(site.register.password).toBeEmpty();
  await expect(site.register.password).toHaveAccessibleDescription(/too easily guessed/);
});

test('a name may be written in any script', async ({ page, site }) => {
  await page.goto('/register');
  await site.register.fillAndSubmit({ ...newPerson(), name: '関所 太郎' });
  await expect(site.heading).toContainText('関所 太郎');
});

test('a changed password signs out everything else and nothing here', async ({
  api,
  complaints,
  openBrowser,
  page,
  site,
  user,
}) => {
  complaints.allowSessionEnd();
  const tablet = await openBrowser();
  const tokens = await api.signIn(user);
  await tablet.signIn(user);
  await tablet.visit('/');
  await site.signIn(user);

  await page.goto('/account/password');
  await site.password.current.fill(user.password);
  await site.password.new.fill('three boats crossed the Arai strait');
  await site.password.submit.click();
  await expect(site.notice).toHaveText('Your password was changed. All other devices are signed out.');

  await expect(tablet.notice).toHaveText('You were signed out because your password was changed.');
  expect(await (await api.get('me', tokens)).json()).toMatchObject({ status: 401, reason: 'password_changed' });
});

test('a wrong current password changes nothing', async ({ complaints, page, site, user }) => {
  complaints.allow(422, '/account/password');
  await site.signIn(user);
  await page.goto('/account/password');
  await site.password.current.fill('not my password');
  await site.password.new.fill('three boats crossed the Arai strait');
  await site.password.submit.click();
  await expect(site.password.current).toHaveAccessibleDescription('This is not your current password.');
});

test("one's own log tells what happened, a page at a time", async ({ api, page, site, user }) => {
  await api.failToSignIn(user, 20);
  await site.signIn(user);
  await page.goto('/security');
  const entries = page.getByRole('main').getByRole('listitem');
  await expect(entries).toHaveCount(20);
  await expect(entries.first()).toContainText('Signed in');
  await expect(entries.nth(1)).toContainText('Failed attempt to sign in');

  await page.getByRole('link', { name: 'Older' }).click();
  await expect(entries).toHaveCount(2);
  await expect(entries.last()).toContainText('Account created');

  await page.getByRole('link', { name: 'Newest' }).click();
  await expect(entries).toHaveCount(20);
});
