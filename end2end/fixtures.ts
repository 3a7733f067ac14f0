// What the tests are made of. Each test gets a person of its own and a site that no other test touches;
// after it, no page may have complained: no console error, no exception, no violated content policy.
import { randomInt, randomUUID } from 'node:crypto';
import AxeBuilder from '@axe-core/playwright';
import {
  test as base,
  devices as models,
  expect,
  type BrowserContext,
  type BrowserContextOptions,
  type Page,
} from '@playwright/test';
import { Api } from './api';
import { markGreetings, siteOn, type Person, type Site } from './pages';
import { commonServer, startServer, type Server, type Settings } from './server';

export { expect };

/** A device that is called Safari in lists. */
export const PHONE = { userAgent: models['iPhone 15'].userAgent };

export interface GithubAccount {
  login: string;
  id: number;
  name: string | null;
  emails: { email: string; primary: boolean; verified: boolean }[];
  /** What goes wrong when this account signs in. */
  fails?: 'expired code' | 'token endpoint' | 'api' | 'silence';
}

interface Fixtures {
  complaints: Complaints;
  api: Api;
  /** A registered person, signed in nowhere. */
  user: Person;
  /** Somebody registered who may administer, signed in nowhere. */
  admin: Person;
  /** The test's first browser. */
  site: Site;
  /** The test's first browser, where `admin` is signed in. */
  adminSite: Site;
  /** One more browser, such as a phone: cookies and storage of its own. */
  openBrowser: (options?: BrowserContextOptions) => Promise<Site>;
  /** One more browser, where `person` is signed in, and visits `path` if there is one. */
  openSignedIn: (person: Person, options?: BrowserContextOptions & { path?: string }) => Promise<Site>;
  githubAccount: (account?: Partial<GithubAccount>) => Promise<GithubAccount>;
}

interface WorkerFixtures {
  /** With settings, a file's tests run against a server of their own that has them. */
  settings: Settings | undefined;
  server: Server;
}

export const test = base.extend<Fixtures, WorkerFixtures>({
  settings: [undefined, { scope: 'worker', option: true }],

  server: [
    async ({ settings }, use) => {
      const server = settings ? await startServer(settings) : commonServer;
      await use(server);
      await server.stop();
    },
    { scope: 'worker' },
  ],

  baseURL: async ({ baseURL, server }, use) => use(server.url ?? baseURL),

  complaints: [
    async ({}, use) => {
      const complaints = new Complaints();
      await use(complaints);
      complaints.expectNone();
    },
    { auto: true },
  ],

  context: async ({ context, complaints }, use) => {
    await complaints.listen(context);
    await use(context);
  },

  openBrowser: async ({ browser, complaints }, use) => {
    const contexts: BrowserContext[] = [];
    await use(async (options) => {
      const context = await browser.newContext(options);
      contexts.push(context);
      await complaints.listen(context);
      return siteOn(await context.newPage());
    });
    for (const context of contexts) await context.close();
  },

  openSignedIn: async ({ openBrowser }, use) => {
    await use(async (person, { path, ...options } = {}) => {
      const site = await openBrowser(options);
      await site.signIn(person);
      if (path) await site.visit(path);
      return site;
    });
  },

  api: async ({ request }, use) => use(new Api(request)),

  user: async ({ api }, use) => {
    const user = newPerson();
    await api.register(user);
    await use(user);
  },

  admin: async ({ api, server }, use) => {
    const admin = { ...newPerson(), name: 'Kanrinin' };
    await api.register(admin);
    await server.sekisho('user', 'grant', admin.email, 'admin');
    await use(admin);
  },

  site: async ({ page }, use) => use(siteOn(page)),

  adminSite: async ({ admin, site }, use) => {
    await site.signIn(admin);
    await use(site);
  },

  githubAccount: async ({ request }, use) => {
    await use(async (account) => {
      const login = `octo-${randomUUID().slice(0, 8)}`;
      const emails = [{ email: `${login}@example.com`, primary: true, verified: true }];
      const full = { login, id: randomInt(2 ** 40), name: 'Octavia', emails, ...account };
      await request.post('http://127.0.0.1:4010/_accounts', { data: full });
      return full;
    });
  },
});

/** Somebody who has no account yet. */
export function newPerson(): Person {
  return { name: 'Aoi', email: `aoi-${randomUUID()}@example.com`, password: 'two horses passed the Hakone gate' };
}

/** There is nothing to the right of the screen, however wide that is. */
export async function expectNoSidewaysScroll(page: Page) {
  const [content, screen] = await page.evaluate(() => [document.documentElement.scrollWidth, window.innerWidth]);
  expect(content).toBe(screen);
}

/** axe finds nothing to object to, neither in the light colours nor in the dark ones. */
export async function expectAccessible(page: Page) {
  const rules = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    const { violations } = await new AxeBuilder({ page }).withTags(rules).analyze();
    const found = violations.map(({ id, help, nodes }) => ({ id, help, where: nodes.map((node) => node.html) }));
    expect(found, `${page.url()}, ${colorScheme}`).toEqual([]);
  }
}

class Complaints {
  private heard: { text: string; page?: Page | null; isRefusal?: boolean }[] = [];
  private readonly allowed: { message: string; path: string }[] = [];

  /** Chromium logs an answer of 4xx as an error: here it is what the test is about. */
  allow(status: number | 'offline', path: string) {
    this.allowed.push({ message: status === 'offline' ? 'net::ERR_' : `status of ${status}`, path });
  }

  /** Once a session has ended, its page asks the server, which refuses. */
  allowSessionEnd() {
    this.allow(401, '/session/');
  }

  async listen(context: BrowserContext) {
    await context.addInitScript(() => {
      document.addEventListener('securitypolicyviolation', ({ violatedDirective, blockedURI }) => {
        console.error(`content policy: ${violatedDirective} ${blockedURI}`);
      });
    });
    await markGreetings(context);
    context.on('weberror', (error) => this.heard.push({ text: `${error.error().stack}` }));
    context.on('console', (message) => {
      if (message.type() !== 'error') return;
      const [text, { url }] = [message.text(), message.location()];
      const isAllowed = this.allowed.some(({ message, path }) => text.includes(message) && url.includes(path));
      const isRefusal = text.includes('status of 401') && url.includes('/session/');
      if (!isAllowed) this.heard.push({ text: `${text} (${url})`, page: message.page(), isRefusal });
    });
    // A form that replaces the cookie while its page asks for a token: the page is left before it asks again.
    context.on('page', (page) =>
      page.on('framenavigated', (frame) => {
        if (frame !== page.mainFrame()) return;
        this.heard = this.heard.filter((complaint) => !(complaint.isRefusal && complaint.page === page));
      }),
    );
  }

  expectNone() {
    expect(this.heard.map(({ text }) => text), 'what the pages complained about').toEqual([]);
  }
}
