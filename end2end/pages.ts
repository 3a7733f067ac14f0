// The site as one tab shows it: each page's fields and buttons by the names a person reads, and what a
// person does with several of them at once. Refuses to know ids, classes and the like.
import { expect, type Page } from '@playwright/test';

export interface Person {
  name: string;
  email: string;
  password: string;
}

export type Site = ReturnType<typeof siteOn>;

export function siteOn(page: Page) {
  const main = page.getByRole('main');

  const nav = {
    signOut: page.getByRole('banner').getByRole('button', { name: 'Sign out' }),
    language: (name: string) => page.getByRole('contentinfo').getByRole('button', { name }),
  };

  const login = {
    email: main.getByLabel('Email'),
    password: main.getByLabel('Password'),
    submit: main.getByRole('button', { name: 'Sign in' }),
    github: main.getByRole('link', { name: 'Continue with GitHub' }),
    async fillAndSubmit({ email, password }: Pick<Person, 'email' | 'password'>) {
      await login.email.fill(email);
      await login.password.fill(password);
      await login.submit.click();
    },
  };

  const register = {
    email: main.getByLabel('Email'),
    name: main.getByLabel('Name'),
    password: main.getByLabel('Password'),
    submit: main.getByRole('button', { name: 'Create account' }),
    async fillAndSubmit({ name, email, password }: Person) {
      await register.email.fill(email);
      await register.name.fill(name);
      await register.password.fill(password);
      await register.submit.click();
    },
  };

  const account = {
    name: main.getByLabel('Name'),
    about: main.getByLabel('About'),
    language: main.getByRole('combobox', { name: 'Language' }),
    save: main.getByRole('button', { name: 'Save changes' }),
    discard: main.getByRole('button', { name: 'Discard' }),
    linkGithub: main.getByRole('button', { name: 'Link GitHub', exact: true }),
    unlinkGithub: main.getByRole('button', { name: 'Unlink GitHub' }),
  };

  const password = {
    current: main.getByLabel('Current password'),
    new: main.getByLabel('New password'),
    submit: main.getByRole('button', { name: /^(Change|Set a) password$/ }),
  };

  const devices = {
    all: main.getByRole('listitem'),
    device: (name: string) => main.getByRole('listitem').filter({ has: page.getByRole('heading', { name }) }),
    end: (name: string) => devices.device(name).getByRole('button', { name: /^Sign out/ }),
    endOthers: main.getByRole('button', { name: 'Sign out all other devices' }),
  };

  const warning = page.getByRole('alertdialog');
  const signInAgain = page.getByRole('dialog', { name: 'Sign in again' });
  const keeper = {
    warning,
    countdown: warning.getByRole('timer'),
    stay: warning.getByRole('button', { name: 'Stay signed in' }),
    dismiss: warning.getByRole('button', { name: 'Got it' }),
    signOut: warning.getByRole('button', { name: 'Sign out' }),
    signInAgain,
    password: signInAgain.getByLabel('Password'),
    submit: signInAgain.getByRole('button', { name: 'Sign in' }),
    signInPage: signInAgain.getByRole('link', { name: 'Go to the sign-in page' }),
    offline: page.getByRole('status').filter({ hasText: 'No connection. Trying again…' }),
  };

  return {
    page,
    heading: main.getByRole('heading', { level: 1 }),
    notice: main.getByRole('status'),
    alert: main.getByRole('alert'),
    nav,
    login,
    register,
    account,
    password,
    devices,
    keeper,

    /** Signs in without the form, which only the tests about signing in need. */
    async signIn({ email, password }: Person) {
      const answer = await page.request.post('/login', { form: { email, password }, maxRedirects: 0 });
      expect(answer.status()).toBe(303);
    },

    /** Goes to a page of a signed-in person and waits until its session keeper is awake. */
    async visit(path: string) {
      await Promise.all([page.waitForRequest('/session/events'), page.goto(path)]);
    },

    /** Another tab of the same browser. */
    async openTab() {
      return siteOn(await page.context().newPage());
    },
  };
}

/** The fake GitHub's page that asks whether Sekisho may know who this is. */
export function githubOn(page: Page) {
  return {
    async authorize(login: string) {
      await page.getByLabel('Username').fill(login);
      await page.getByRole('button', { name: 'Authorize' }).click();
    },
    async cancel() {
      await page.getByRole('button', { name: 'Cancel' }).click();
    },
  };
}
