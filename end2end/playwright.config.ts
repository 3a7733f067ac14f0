// How Playwright runs the tests in tests/: Debian's Chromium against the server that `cargo leptos
// end-to-end` started, beside a fake GitHub. Refuses to download a browser, to retry a failed test until
// it passes, and to let a forgotten `test.only` through.
// E2E_BASE_URL and E2E_BINARY test another server than theirs.
import { defineConfig } from '@playwright/test';

export default defineConfig({
  testDir: 'tests',
  globalSetup: './wait-for-server.ts',
  globalTimeout: 15 * 60_000,
  timeout: 60_000,
  expect: { timeout: 10_000 },
  fullyParallel: true,
  workers: 2,
  retries: 0,
  forbidOnly: true,
  reporter: 'list',

  webServer: {
    command: 'node fake-github.mjs',
    port: 4010,
    reuseExistingServer: false,
    stdout: 'ignore',
    stderr: 'pipe',
  },

  use: {
    baseURL: process.env.E2E_BASE_URL ?? 'http://127.0.0.1:3000',
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
