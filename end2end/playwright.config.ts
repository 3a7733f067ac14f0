// How Playwright runs the tests in tests/: Debian's Chromium against the release build and a fake GitHub, both of
// which it starts and stops. Refuses to download a browser, to retry a failed test until it passes, and to let a
// forgotten `test.only` through.
// E2E_BINARY tests another binary; E2E_BASE_URL a server that is there already, with its SEKISHO_DATABASE_URL.
import { defineConfig } from '@playwright/test';
import { commonServer, commonWebServer } from './server';

export default defineConfig({
  testDir: 'tests',
  globalTimeout: 15 * 60_000,
  timeout: 60_000,
  expect: { timeout: 10_000 },
  fullyParallel: true,
  workers: 2,
  retries: 0,
  forbidOnly: true,
  reporter: 'list',

  webServer: [
    { command: 'node fake-github.mjs', port: 4010 },
    ...commonWebServer,
  ],

  use: {
    baseURL: commonServer.url,
    locale: 'en-GB',
    trace: { mode: 'retain-on-failure', screenshots: false },
    screenshot: 'only-on-failure',
    launchOptions: {
      executablePath: process.env.CHROMIUM || '/usr/bin/chromium',
      args: [
        '--headless',
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    },
  },
});
