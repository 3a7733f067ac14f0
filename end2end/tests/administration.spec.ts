import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import type { Locator, Page } from '@playwright/test';
import { expect, newPerson, test } from '../fixtures';

test.beforeEach(({ complaints }) => complaints.allowSessionEnd());

test('somebody signed out by an administrator is told so while they type, and keeps what they typed', async ({
  adminSite: site,
  openSignedIn,
  user,
}) => {
  const other = await openSignedIn(user, { path: '/account' });
  await other.account.about.fill('I keep bees.');
  await site.admin.find(user);

  await Promise.all([other.keeper.signInAgain.waitFor({ timeout: 1_500 }), site.admin.user.signOut.click()]);
  await expect(other.keeper.signInAgain).toHaveAccessibleDescription('An administrator signed you out.');
  await expect(site.notice).toHaveText('This account is signed out everywhere.');
  await expect(site.page.getByText('Not signed in anywhere.')).toBeVisible();

  await other.keeper.password.fill(user.password);
  await other.keeper.submit.click();
  await expect(other.keeper.signInAgain).toBeHidden();
  await expect(other.account.about).toHaveValue('I keep bees.');
  await other.account.save.click();
  await expect(other.notice).toHaveText('Your changes were saved.');
});

test('one session ends alone, from the list of all', async ({ adminSite: site, api, openSignedIn, page, user }) => {
  const tokens = await api.signIn(user, 'backup script');
  const other = await openSignedIn(user, { path: '/devices' });
  await page.goto('/admin/sessions');
  const browser = site.admin.row(user.email).filter({ hasText: 'Browser' });
  await browser.getByRole('button', { name: /^Sign out/ }).click();
  await expect(site.notice).toHaveText('The session has ended.');
  await expect(other.notice).toHaveText('An administrator signed you out.');
  await expect(browser).toBeHidden();
  expect((await api.get('me', tokens)).status()).toBe(200);

  await site.admin.sessions.end(user).click();
  await expect(site.admin.row(user.email)).toBeHidden();
  expect((await api.get('me', tokens)).status()).toBe(401);
});

test('a disabled account is out everywhere and stays out until it is enabled', async ({
  adminSite: site,
  api,
  complaints,
  openSignedIn,
  page,
  user,
}) => {
  complaints.allow(403, '/login');
  const tokens = await api.signIn(user);
  const other = await openSignedIn(user, { path: '/devices' });
  await site.admin.find(user);
  await site.admin.user.disable.click();
  await expect(site.notice).toHaveText('The account is disabled and signed out everywhere.');
  await expect(other.notice).toHaveText('Your account has been disabled. Please contact an administrator.');
  expect((await api.get('me', tokens)).status()).toBe(401);

  await other.login.fillAndSubmit(user);
  await expect(other.alert).toHaveText('This account has been disabled. Please contact an administrator.');
  await page.goto('/admin/users');
  await site.admin.users.show.selectOption('Disabled');
  await site.admin.users.submit.click();
  await expect(site.admin.row(user.email)).toContainText('Disabled');

  await site.admin.find(user);
  await site.admin.user.enable.click();
  await expect(site.notice).toHaveText('The account is enabled again.');
  await other.login.fillAndSubmit(user);
  await expect(other.page).toHaveURL('/devices');
});

test('a role counts from the next request on', async ({ adminSite: site, complaints, openSignedIn, page, user }) => {
  complaints.allow(403, '/admin');
  const other = await openSignedIn(user);
  await other.page.goto('/admin');
  await expect(other.page.getByText('You are not allowed to do this.')).toBeVisible();
  await expect(other.nav.admin).toBeHidden();

  await site.admin.find(user);
  await site.admin.user.role('admin').check();
  await site.admin.user.saveRoles.click();
  await expect(site.notice).toHaveText('The roles were saved.');
  await other.page.reload();
  await expect(other.heading).toHaveText('Overview');
  await expect(other.nav.admin).toBeVisible();

  await site.admin.user.role('admin').uncheck();
  await site.admin.user.saveRoles.click();
  await expect(site.admin.user.role('admin')).not.toBeChecked();
  const [answer] = await Promise.all([other.page.waitForResponse('/admin'), other.page.reload()]);
  expect(answer.status()).toBe(403);
  await expect(other.nav.admin).toBeHidden();
  await page.reload();
  await expect(site.heading).toHaveText(user.name);
});

test('people are found by a part of their address or name', async ({ admin, adminSite: site, api, page, user }) => {
  const named = { ...newPerson(), name: `Yui 100%_${randomUUID()}` };
  await api.register(named);
  await page.goto('/admin');
  await site.admin.tab('Users').click();
  await site.admin.users.search.fill(user.email.slice(4, 24).toUpperCase());
  await site.admin.users.submit.click();
  await expect(site.admin.rows).toHaveCount(1);
  await expect(site.admin.rows).toContainText(user.email);

  await site.admin.users.search.fill(named.name.slice(4, 20));
  await site.admin.users.search.press('Enter');
  await expect(site.admin.rows).toHaveCount(1);
  await site.admin.rows.getByRole('link', { name: named.name }).click();
  await expect(site.heading).toHaveText(named.name);
  await expect(page.getByText('Not signed in anywhere.')).toBeVisible();

  await page.goto('/admin/users?q=nobody-has-this');
  await expect(page.getByText('Nobody was found.')).toBeVisible();

  await page.goto('/admin/users');
  await site.admin.users.search.fill(admin.email);
  await site.admin.users.show.selectOption('Administrators');
  await site.admin.users.submit.click();
  await expect(site.admin.rows).toHaveCount(1);
  await expect(site.admin.rows).toContainText('admin');
});

test('the log is looked through by person and kind, and taken along as a file', async ({
  admin,
  adminSite: site,
  api,
  page,
  user,
}) => {
  await api.failToSignIn(user, 2);
  const { session_id } = await api.signIn(user);
  await page.goto('/admin');
  await site.admin.tab('Log').click();
  await site.admin.log.person.fill(user.email);
  await site.admin.log.submit.click();
  await expect(site.admin.rows).toHaveCount(4);
  await expect(site.admin.rows.first()).toContainText('Signed in');
  await expect(site.admin.rows.last()).toContainText('Account created');
  await site.admin.rows.first().getByText('Details').click();
  await expect(site.admin.rows.first()).toContainText(session_id);

  await site.admin.log.kind.selectOption('Failed attempt to sign in');
  await site.admin.log.submit.click();
  await expect(site.admin.rows).toHaveCount(2);
  for (const row of await site.admin.rows.all()) {
    await expect(row).toContainText('Failed attempt to sign in');
    await expect(row).toContainText(user.email);
  }

  const jsonLines = await download(page, site.admin.log.jsonLines);
  expect(jsonLines.name).toBe('sekisho-log.jsonl');
  const entries = jsonLines.text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(entries).toHaveLength(2);
  for (const entry of entries) expect(entry).toMatchObject({ kind: 'sign_in_failed', outcome: 'failure' });
  expect(jsonLines.text).not.toContain(user.email);

  const csv = await download(page, site.admin.log.csv);
  expect(csv.name).toBe('sekisho-log.csv');
  const [head, ...lines] = csv.text.trimEnd().split(/\r?\n/);
  expect(head).toMatch(/^seq,id,at,kind,outcome,user_id,/);
  expect(lines).toHaveLength(2);
  for (const [index, { seq, id, at, user_id }] of entries.entries()) {
    expect(lines[index]).toContain(`${seq},${id},${at},sign_in_failed,failure,${user_id},`);
  }

  await site.admin.log.clear.click();
  await expect(site.admin.log.person).toBeEmpty();
  await site.admin.log.person.fill(admin.email);
  await site.admin.log.kind.selectOption('Log exported');
  await site.admin.log.submit.click();
  await expect(page.getByText('There are no such entries.')).toBeVisible();
  await site.admin.log.clear.click();
  await site.admin.log.person.fill(user.email);
  await site.admin.log.from.fill('2099-01-01T00:00');
  await site.admin.log.submit.click();
  await expect(page.getByText('There are no such entries.')).toBeVisible();
  await expect(site.admin.log.from).toHaveValue('2099-01-01T00:00');
  await site.admin.log.person.fill('nobody@example.com');
  await site.admin.log.submit.click();
  await expect(page.getByText('Nobody has this email address or ID.')).toBeVisible();
});

test('a long list goes on where it is followed, with its filter', async ({ adminSite: site, api, page, user }) => {
  await api.failToSignIn(user, 51);
  await page.goto(`/admin/events?person=${user.email}&kind=sign_in_failed`);
  await expect(site.admin.rows).toHaveCount(50);
  await expect(site.admin.newest).toBeHidden();
  await site.admin.older.click();
  await expect(site.admin.rows).toHaveCount(1);
  await expect(site.admin.rows).toContainText('Failed attempt to sign in');
  await expect(site.admin.older).toBeHidden();
  await site.admin.newest.click();
  await expect(site.admin.rows).toHaveCount(50);
  await expect(site.admin.log.person).toHaveValue(user.email);
});

test('what the log is asked for wrongly is said at the field', async ({ adminSite: site, complaints, page }) => {
  complaints.allow(422, '/admin/events');
  await page.goto('/admin/events?network=10.0.0.0/8&from=yesterday');
  await expect(site.admin.log.network).toHaveAccessibleDescription(
    'Use an address, or a network: a /24, or a /64 for IPv6.',
  );
  await expect(site.admin.log.from).toHaveAccessibleDescription('Use a time such as 2026-11-21T06:00.');
  await expect(site.admin.log.from).toHaveValue('yesterday');
});

test('a role is made, given, kept while somebody has it, and removed', async ({
  adminSite: site,
  complaints,
  page,
  user,
}) => {
  complaints.allow(422, '/admin/roles');
  const role = `clerk-${randomUUID().slice(0, 8)}`;
  await page.goto('/admin');
  await site.admin.tab('Roles').click();
  await site.admin.roles.save(role, 'Orders!');
  await expect(site.admin.roles.permissions).toHaveAccessibleDescription(/^Use up to 32 words such as orders:read/);
  await site.admin.roles.save(role, 'orders:write orders:read');
  await expect(site.notice).toHaveText('The role was saved.');
  await expect(site.admin.row(role)).toContainText('orders:read orders:write');
  await site.admin.roles.change(role).click();
  await expect(site.admin.roles.name).toHaveValue(role);
  await site.admin.roles.permissions.fill('orders:*');
  await site.admin.roles.submitAndWait();
  await expect(site.admin.row(role)).toContainText('orders:*');

  await site.admin.find(user);
  await site.admin.user.role(role).check();
  await site.admin.user.saveRoles.click();
  await expect(site.notice).toHaveText('The roles were saved.');
  await page.goto('/admin/roles');
  await site.admin.roles.remove(role).click();
  await expect(site.alert).toHaveText('Somebody still has this role.');
  await expect(site.admin.row(role)).toBeVisible();

  await site.admin.find(user);
  await site.admin.user.role(role).uncheck();
  await site.admin.user.saveRoles.click();
  await expect(site.notice).toHaveText('The roles were saved.');
  await page.goto('/admin/roles');
  await site.admin.roles.remove(role).click();
  await expect(site.notice).toHaveText('The role was removed.');
  await expect(site.admin.row(role)).toBeHidden();
});

test('what was typed for one role does not get into another that is changed', async ({ adminSite: site, page }) => {
  const role = `clerk-${randomUUID().slice(0, 8)}`;
  await site.visit('/admin/roles');
  await site.admin.roles.save(role, 'orders:read');
  await site.admin.roles.name.fill('abandoned');
  await site.admin.roles.permissions.fill('orders:write');
  await Promise.all([page.waitForRequest('/session/events'), site.admin.roles.change(role).click()]);
  await expect(site.admin.roles.name).toHaveValue(role);
  await expect(site.admin.roles.permissions).toHaveValue('orders:read');
});

test('what was typed into several forms is kept for each, and no box or choice is changed by it', async ({
  adminSite: site,
  page,
  user,
}) => {
  const roles = [1, 2].map(() => `clerk-${randomUUID().slice(0, 8)}`);
  await site.visit('/admin/roles');
  for (const role of roles) {
    await site.admin.roles.save(role, 'orders:read');
  }
  await site.visit('/account');
  const language = page.getByRole('combobox');
  const chosen = await language.inputValue();
  await site.account.about.fill('I keep bees.');
  for (const role of roles) {
    await site.visit(`/admin/roles?change=${role}`);
    await site.admin.roles.permissions.fill(`orders:${role}`);
  }
  await site.admin.find(user);
  await site.admin.user.role(roles[0]).check();

  for (const role of roles) {
    await site.visit(`/admin/roles?change=${role}`);
    await expect(site.admin.roles.permissions).toHaveValue(`orders:${role}`);
  }
  await site.visit('/account');
  await expect(site.account.about).toHaveValue('I keep bees.');
  await expect(language).toHaveValue(chosen);
  await site.admin.find(user);
  await expect(site.admin.user.role(roles[0])).not.toBeChecked();
});

test('the built-in roles stay as they are', async ({ adminSite: site, complaints, page }) => {
  complaints.allow(422, '/admin/roles');
  await page.goto('/admin/roles');
  await expect(site.admin.roles.remove('admin')).toBeHidden();
  await site.admin.roles.save('admin', 'orders:read');
  await expect(site.admin.roles.name).toHaveAccessibleDescription(/^The roles admin and user can't be changed\./);
});

test("nobody else gets to an administrator's page", async ({ complaints, page, site, user }) => {
  complaints.allow(403, '/admin');
  await page.goto('/admin/users');
  await expect(page).toHaveURL('/login?next=%2Fadmin%2Fusers');
  await site.signIn(user);
  for (const path of ['', '/users', '/sessions', '/events', '/roles']) {
    const answer = await page.goto(`/admin${path}`);
    expect(answer!.status()).toBe(403);
    await expect(page.getByText('You are not allowed to do this.')).toBeVisible();
  }
});

test('what an administrator did is in the log with their name, and in the log of whom it was about', async ({
  admin,
  adminSite: site,
  openSignedIn,
  user,
}) => {
  const other = await openSignedIn(user);
  await site.admin.find(user);
  await site.admin.user.signOut.click();
  await expect(site.admin.row('Session ended')).toContainText(`by ${admin.email}`);
  await other.signIn(user);
  await other.page.goto('/security');
  const ended = other.page.getByRole('main').getByRole('listitem').filter({ hasText: 'Session ended' });
  await expect(ended).toContainText('ended by an administrator');
  await expect(ended).not.toContainText(admin.email);
});

test('one cannot lock oneself out', async ({ admin, adminSite: site, page }) => {
  await site.admin.find(admin);
  await expect(page.getByText('This is your own account.')).toBeVisible();
  await expect(site.admin.user.disable).toBeHidden();
  await expect(site.admin.user.signOut).toBeHidden();
});

test('the plots can be heard and read as numbers', async ({ admin, page, site, user }) => {
  await site.signIn(user);
  await site.signIn(admin);
  await page.goto('/admin');
  const plot = (name: RegExp) => page.getByRole('figure').filter({ has: page.getByRole('img', { name }) });
  const signIns = plot(/^Sign-ins \(Last 24 hours\): \d+ in total, peak \d+ \(\d\d:00\)$/);
  await expect(signIns).toBeVisible();
  await expect(plot(/^Live sessions \(Last 24 hours\): /)).toBeVisible();
  await signIns.getByText('Numbers').click();
  const numbers = signIns.getByRole('table', { name: /^Sign-ins/ });
  await expect(numbers.getByRole('rowheader')).toHaveCount(24);
  const cells = (await numbers.getByRole('cell').allTextContents()).map((text) => Number(text.replace(',', '')));
  expect(cells.at(-1)! + cells.at(-2)!).toBeGreaterThanOrEqual(2);

  await page.getByRole('link', { name: 'Last 30 days' }).click();
  await expect(page).toHaveURL('/admin?by=day');
  await expect(plot(/^Sign-ins \(Last 30 days\): /)).toBeVisible();
});

test.describe('without JavaScript', () => {
  test.use({ javaScriptEnabled: false });

  test('people are found, signed out, disabled, enabled and given roles', async ({
    admin,
    api,
    complaints,
    openBrowser,
    site,
    user,
  }) => {
    complaints.allow(403, '/login');
    const tokens = await api.signIn(user);
    await site.signInByForm(admin, '/admin');
    await expect(site.heading).toHaveText('Overview');
    await site.admin.find(user);
    await site.admin.user.signOut.click();
    await expect(site.notice).toHaveText('This account is signed out everywhere.');
    expect((await api.get('me', tokens)).status()).toBe(401);

    await site.admin.user.disable.click();
    await expect(site.notice).toHaveText('The account is disabled and signed out everywhere.');
    const other = await openBrowser();
    await other.signInByForm(user);
    await expect(other.alert).toHaveText('This account has been disabled. Please contact an administrator.');
    await site.admin.user.enable.click();
    await expect(site.notice).toHaveText('The account is enabled again.');
    await site.admin.user.role('admin').check();
    await site.admin.user.saveRoles.click();
    await expect(site.notice).toHaveText('The roles were saved.');
    await other.login.fillAndSubmit(user);
    await expect(other.nav.admin).toBeVisible();

    await site.admin.tab('Log').click();
    await site.admin.log.person.fill(user.email);
    await site.admin.log.kind.selectOption('Roles changed');
    await site.admin.log.submit.click();
    await expect(site.admin.rows).toHaveCount(1);
    await expect(site.admin.rows).toContainText(`by ${admin.email}`);
  });
});

async function download(page: Page, link: Locator) {
  const [file] = await Promise.all([page.waitForEvent('download'), link.click()]);
  return { name: file.suggestedFilename(), text: await readFile(await file.path(), 'utf8') };
}
