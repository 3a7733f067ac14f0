// Before any test: cargo-leptos starts the server at the same moment as Playwright.
import type { FullConfig } from '@playwright/test';
import { waitUntilReady } from './server';

export default async function waitForServer(config: FullConfig) {
  await waitUntilReady(config.projects[0].use.baseURL!);
}
