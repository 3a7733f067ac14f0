import { expect, test } from '../fixtures';

test.use({ settings: { SEKISHO_SESSION_ABSOLUTE: '7s', SEKISHO_SESSION_IDLE: '0', SEKISHO_IDLE_WARNING: '5s' } });

test('a sign-in that cannot be extended warns, and ends whatever one does', async ({ complaints, site, user }) => {
  complaints.allowSessionEnd();
  await site.signIn(user);
  await site.visit('/');
  await expect(site.keeper.warning).toHaveAccessibleName('Your sign-in is about to end');
  await site.keeper.dismiss.click();
  await expect(site.keeper.warning).toBeHidden();

  await site.page.keyboard.press('End');
  await expect(site.notice).toHaveText('You were signed out because the time limit of your sign-in was reached.');
});
