// What a server under test sends: the folder that its SEKISHO_SMTP_URL names.
import { readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from '@playwright/test';
import type { Settings } from './server';

/** Of this worker: each has a server of its own. */
const FOLDER = join(tmpdir(), `sekisho-mail-${process.pid}`);

export const MAIL: Settings = {
  SEKISHO_SMTP_URL: `file:${FOLDER}`,
  SEKISHO_MAIL_FROM: 'Sekisho <sign-in@example.com>',
};

/** The newest link to `path` in a message to `email`; waits until there is one. */
export async function link(email: string, path: string): Promise<string> {
  let found: string | undefined;
  await expect(async () => {
    const files = (await readdir(FOLDER)).filter((file) => file.endsWith('.eml')).sort();
    for (const file of files) {
      const message = (await readFile(join(FOLDER, file), 'utf8')).replace(/=\r\n/g, '').replaceAll('=3D', '=');
      if (message.includes(email)) found = message.match(new RegExp(`${path}\\?token=[\\w-]+`))?.[0] ?? found;
    }
    expect(found, `a link to ${path} for ${email}`).toBeDefined();
  }).toPass({ timeout: 10_000 });
  return found!;
}
