import { expect, test } from '../fixtures';

test.use({ settings: { SEKISHO_SESSION_IDLE: '10s', SEKISHO_IDLE_WARNING: '7s' } });

const REASON = 'You were signed out because nothing happened for a while.';

test('a warning counts down, and staying moves the deadline', async ({ site, user }) => {
  await site.signIn(user);
  await site.visit('/');
  await expect(site.keeper.warning).toHaveAccessibleName('Are you still there?');
  await expect(site.keeper.stay).toBeFocused();
  await expect(site.keeper.countdown).toHaveText(/0:0[567]/);
  await expect(site.keeper.countdown).toHaveText(/0:0[234]/);

  await site.keeper.stay.click();
  await expect(site.keeper.warning).toBeHidden();
  await expect(site.keeper.countdown).toHaveText(/0:0[567]/);
  await site.page.keyboard.press('Escape');
  await expect(site.keeper.warning).toBeHidden();
  await expect(site.nav.signOut).toBeVisible();
});

test('activity in one tab keeps the others', async ({ site, user }) => {
  await site.signIn(user);
  await site.visit('/');
  const other = await site.openTab();
  await other.visit('/');
  await expect(site.keeper.warning).toBeVisible();
  await expect(other.keeper.warning).toBeVisible();
  await other.keeper.stay.click();
  await expect(site.keeper.warning).toBeHidden();
});

test('at the deadline every tab is signed out, and says why', async ({ complaints, site, user }) => {
  complaints.allowSessionEnd();
  await site.signIn(user);
  await site.visit('/');
  const other = await site.openTab();
  await other.visit('/devices');
  await expect(site.notice).toHaveText(REASON, { timeout: 15_000 });
  await expect(other.notice).toHaveText(REASON);
  await expect(other.page).toHaveURL('/login?next=%2Fdevices');
});

test('the warning offers to sign out at once', async ({ complaints, site, user }) => {
  complaints.allowSessionEnd();
  await site.signIn(user);
  await site.visit('/');
  const other = await site.openTab();
  await other.visit('/');
  await site.keeper.signOut.click();
  await expect(site.notice).toHaveText('You signed out.');
  await expect(other.notice).toHaveText('You signed out.');
});

test('without JavaScript the next click says why', async ({ api, openSignedIn, user }) => {
  const plain = await openSignedIn(user, { javaScriptEnabled: false });
  await plain.page.goto('/');
  const tokens = await api.signIn(user);
  const live = async () => (await (await api.get('sessions', tokens)).json()).items.length;
  await expect.poll(live, { timeout: 15_000 }).toBe(1);
  await plain.page.getByRole('link', { name: 'Devices' }).first().click();
  await expect(plain.page).toHaveURL('/login?next=%2Fdevices');
  await expect(plain.notice).toHaveText(REASON);
});
