// The site as one tab shows it: each page's fields and buttons by the names a person reads, and what a
// person does with several of them at once. Refuses to know ids, classes and the like.
import { expect, type BrowserContext, type Page } from '@playwright/test';

export interface Person {
  name: string;
  email: string;
  password: string;
}

export type Site = ReturnType<typeof siteOn>;

export function siteOn(page: Page) {
  const main = page.getByRole('main');

  const nav = {
    security: page.getByRole('banner').getByRole('link', { name: /^Security/ }),
    admin: page.getByRole('banner').getByRole('link', { name: 'Admin' }),
    signOut: page.getByRole('banner').getByRole('button', { name: 'Sign out' }),
    language: (name: string) => page.getByRole('contentinfo').getByRole('button', { name }),
  };

  const login = {
    email: main.getByLabel('Email'),
    password: main.getByLabel('Password'),
    submit: main.getByRole('button', { name: 'Sign in', exact: true }),
    passkey: main.getByRole('button', { name: 'Sign in with a passkey' }),
    github: main.getByRole('button', { name: 'Continue with GitHub' }),
    async fillAndSubmit({ email, password }: Pick<Person, 'email' | 'password'>) {
      await login.email.fill(email);
      await login.password.fill(password);
      await login.submit.click();
    },
  };

  const github = githubOn(page);

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
    /** Links the GitHub account `login`. */
    async openAndLinkGithub(login: string) {
      await page.goto('/account');
      await account.linkGithub.click();
      await github.authorize(login);
    },
  };

  const passkeys = {
    name: main.getByLabel('Name of the new passkey'),
    add: main.getByRole('button', { name: 'Add a passkey' }),
    all: main.getByRole('region', { name: 'Passkeys' }).getByRole('listitem'),
    rename: (name: string) => main.getByRole('group').filter({ hasText: 'Rename' }).getByLabel(`Rename ${name}`),
    newName: (name: string) => main.getByLabel(`New name for ${name}`),
    saveName: main.getByRole('button', { name: 'Save name' }),
    remove: (name: string) => main.getByRole('button', { name: `Remove ${name}` }),
    offer: main.getByRole('region', { name: 'Sign in faster next time?' }),
    async openAndAdd(name: string) {
      await page.goto('/account/security');
      await passkeys.name.fill(name);
      await passkeys.add.click();
    },
  };

  const password = {
    current: main.getByLabel('Current password'),
    new: main.getByLabel('New password'),
    unlink: main.getByRole('checkbox', { name: 'Also unlink GitHub' }),
    submit: main.getByRole('button', { name: /^(Change|Set a) password$/ }),
  };

  const devices = {
    all: main.getByRole('listitem'),
    device: (name: string) => main.getByRole('listitem').filter({ has: page.getByRole('heading', { name }) }),
    end: (name: string) => devices.device(name).getByRole('button', { name: /^Sign out/ }),
    endOthers: main.getByRole('button', { name: 'Sign out all other devices' }),
    /** Asks for something sensitive. */
    async openAndEndOthers() {
      await page.goto('/devices');
      await devices.endOthers.click();
    },
  };

  /** The device limit is reached: one of the devices listed has to go. */
  const deviceLimit = {
    heading: main.getByRole('heading', { level: 1, name: 'All your devices are in use' }),
    devices: devices.all,
    evict: devices.end,
    cancel: main.getByRole('link', { name: 'Cancel' }),
  };

  const stepUp = {
    heading: main.getByRole('heading', { level: 1, name: "Confirm it's you" }),
    password: main.getByLabel('Password'),
    submit: main.getByRole('button', { name: 'Confirm' }),
    passkey: main.getByRole('button', { name: 'Use a passkey' }),
    github: main.getByRole('button', { name: 'Continue with GitHub' }),
    cancel: main.getByRole('link', { name: 'Cancel' }),
    async fillAndSubmit(password: string) {
      await stepUp.password.fill(password);
      await stepUp.submit.click();
    },
  };

  const notices = main.getByRole('region', { name: 'Please review' });
  const security = {
    notices,
    entries: notices.getByRole('listitem'),
    seen: notices.getByRole('button', { name: /^Yes, / }),
  };

  /** The administrator's pages. */
  const admin = {
    /** The row of a list that has this text. */
    row: (text: string) => main.getByRole('row').filter({ hasText: text }),
    /** The rows of a list but its head. */
    rows: main.getByRole('row').filter({ has: page.getByRole('cell') }),
    older: main.getByRole('link', { name: 'Older' }),
    newest: main.getByRole('link', { name: 'Newest' }),
    tab: (name: string) => main.getByRole('navigation', { name: 'Administration' }).getByRole('link', { name }),

    users: {
      search: main.getByRole('searchbox', { name: 'Email or name' }),
      show: main.getByRole('combobox', { name: 'Show' }),
      submit: main.getByRole('button', { name: 'Search' }),
    },

    user: {
      role: (name: string) => main.getByRole('checkbox', { name }),
      saveRoles: main.getByRole('button', { name: 'Save roles' }),
      signOut: main.getByRole('button', { name: 'Sign out everywhere' }),
      disable: main.getByRole('button', { name: 'Disable account' }),
      enable: main.getByRole('button', { name: 'Enable account' }),
    },

    sessions: {
      end: ({ email }: Person) => admin.row(email).getByRole('button', { name: /^Sign out/ }),
      sure: main.getByRole('checkbox', { name: 'I want to sign everybody out' }),
      endAll: main.getByRole('button', { name: 'Sign out everybody' }),
    },

    log: {
      person: main.getByLabel('Person (email or ID)'),
      kind: main.getByRole('combobox', { name: 'What' }),
      network: main.getByLabel('Address or network'),
      from: main.getByLabel('From (UTC)'),
      until: main.getByLabel('Until (UTC)'),
      submit: main.getByRole('button', { name: 'Filter' }),
      clear: main.getByRole('link', { name: 'Clear' }),
      csv: main.getByRole('button', { name: 'CSV' }),
      jsonLines: main.getByRole('button', { name: 'JSON Lines' }),
    },

    roles: {
      name: main.getByLabel('Name'),
      permissions: main.getByLabel('Permissions'),
      submit: main.getByRole('button', { name: 'Save role' }),
      change: (role: string) => main.getByRole('link', { name: `Change ${role}` }),
      remove: (role: string) => main.getByRole('button', { name: `Remove ${role}` }),
      async save(role: string, permissions: string) {
        await admin.roles.name.fill(role);
        await admin.roles.permissions.fill(permissions);
        await admin.roles.submitAndWait();
      },
      /** Until the next page's keeper is awake, which forgets what was saved. */
      async submitAndWait() {
        await Promise.all([page.waitForRequest('/session/events'), admin.roles.submit.click()]);
      },
    },

    /** Opens somebody's page by looking for their address. */
    async find({ email }: Person) {
      await page.goto('/admin/users');
      await admin.users.search.fill(email);
      await admin.users.submit.click();
      await admin.row(email).getByRole('link').click();
    },
  };

  const warning = page.getByRole('alertdialog');
  const signInAgain = page.getByRole('dialog', { name: 'Sign in again' });
  const losingText = page.getByRole('alertdialog', { name: 'Sign out and lose unsaved text?' });
  const keeper = {
    warning,
    countdown: warning.getByRole('timer'),
    stay: warning.getByRole('button', { name: 'Stay signed in' }),
    dismiss: warning.getByRole('button', { name: 'Got it' }),
    signOut: warning.getByRole('button', { name: 'Sign out' }),
    losingText,
    stayWithText: losingText.getByRole('button', { name: 'Stay' }),
    discardText: losingText.getByRole('button', { name: 'Sign out and discard' }),
    signInAgain,
    password: signInAgain.getByLabel('Password'),
    submit: signInAgain.getByRole('button', { name: 'Sign in' }),
    passkey: signInAgain.getByRole('button', { name: 'Use a passkey' }),
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
    passkeys,
    password,
    devices,
    deviceLimit,
    stepUp,
    security,
    admin,
    keeper,
    github,

    /** Signs in without the form, which only the tests about signing in need. */
    async signIn({ email, password }: Person) {
      const answer = await page.request.post('/login', { form: { email, password }, maxRedirects: 0 });
      expect(answer.status()).toBe(303);
    },

    /** Signs in with the form, on the way to `path`. */
    async signInByForm(person: Pick<Person, 'email' | 'password'>, path?: string) {
      await page.goto(path ? `/login?next=${path}` : '/login');
      await login.fillAndSubmit(person);
    },

    /** Signs in with the GitHub account of this name, on the way to `path`. */
    async signInWithGithub(account: string, path?: string) {
      await page.goto(path ? `/login?next=${path}` : '/login');
      await login.github.click();
      await github.authorize(account);
    },

    /** Signs in, and waits until that is too old for something sensitive: see `becomeOld`. */
    async signInLongAgo(person: Person) {
      await this.signIn(person);
      await this.becomeOld();
    },

    /**
     * Waits until this browser's sign-in is too old for something sensitive, by asking for one where nothing can
     * come of it: the person must not be signed in anywhere else.
     */
    async becomeOld() {
      const ask = () => page.request.post('/devices/end-others', { maxRedirects: 0 });
      await expect.poll(async () => (await ask()).status(), { timeout: 30_000 }).toBe(403);
    },

    /**
     * Goes to a page of a signed-in person and waits until its session keeper has the server's deadlines. A clock
     * moved before that is overruled: the server counts the whole idle timeout from its own time.
     */
    async visit(path: string) {
      await page.goto(path);
      await expect(page.locator('html[data-greeted]')).toBeAttached();
    },

    /** Another tab of the same browser. */
    async openTab() {
      return siteOn(await page.context().newPage());
    },
  };
}

/** Marks each document when its event stream has said hello, which no other part of Playwright can see. */
export async function markGreetings(context: BrowserContext) {
  await context.addInitScript(() => {
    window.EventSource = class extends EventSource {
      constructor(url: string | URL, init?: EventSourceInit) {
        super(url, init);
        this.addEventListener('hello', () => (document.documentElement.dataset.greeted = ''));
      }
    };
  });
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
