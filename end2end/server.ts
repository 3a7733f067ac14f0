// The servers under test: the common one, those with settings of their own, and the command line beside them.
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';

/** `SEKISHO_` variables; `{port}` in a value is the server's port. */
export type Settings = Record<string, string>;

export interface Server {
  url: string;
  /** Runs a command of the binary on this server's database. */
  sekisho(...args: string[]): Promise<void>;
  /** Fills this server's database, if it is empty, with made-up data: `examples/fill.rs`. */
  fill(...args: string[]): Promise<void>;
  stop(): Promise<void>;
}

const BINARY = resolve(import.meta.dirname, process.env.E2E_BINARY ?? '../target/release/sekisho');
const FILL = resolve(import.meta.dirname, '../target/release/examples/fill');
const COMMON_DIR = resolve(import.meta.dirname, '../target/end-to-end');

/** What the servers run under, unless a test says otherwise. */
const STRATEGY: Settings = process.env.E2E_STRATEGY ? { SEKISHO_STRATEGY: process.env.E2E_STRATEGY } : {};

/** The settings of the server that most tests share. Not the default port: there may be somebody's `make serve`. */
const COMMON: Settings = {
  SEKISHO_LISTEN: '127.0.0.1:3010',
  SEKISHO_BASE_URL: 'http://127.0.0.1:3010',
  SEKISHO_DATABASE_URL: `sqlite://${COMMON_DIR}/sekisho.db`,
  SEKISHO_AUDIENCES: 'orders', // the services in clients/
  SEKISHO_RATE_LIMIT: 'off',
  SEKISHO_LOG: 'warn',
  SEKISHO_GITHUB_CLIENT_ID: 'end-to-end',
  SEKISHO_GITHUB_CLIENT_SECRET: 'end-to-end',
  SEKISHO_GITHUB_URL: 'http://127.0.0.1:4010',
  SEKISHO_GITHUB_API_URL: 'http://127.0.0.1:4010',
  ...STRATEGY,
};

/** How Playwright starts it, with an empty database; nothing where E2E_BASE_URL names one that runs. */
export const commonWebServer = process.env.E2E_BASE_URL
  ? []
  : [
      {
        command: `rm -rf '${COMMON_DIR}' && exec '${BINARY}' serve`,
        env: COMMON,
        url: `${COMMON.SEKISHO_BASE_URL}/health/ready`,
        stdout: 'pipe' as const,
      },
    ];

/** Waits until the server at `url` is ready; throws when it isn't after 30 seconds. */
async function waitUntilReady(url: string) {
  const deadline = Date.now() + 30_000;
  let last = '';
  while (Date.now() < deadline) {
    try {
      const answer = await fetch(`${url}/health/ready`, { signal: AbortSignal.timeout(2_000) });
      if (answer.ok) return;
      last = `status ${answer.status}`;
    } catch (error) {
      last = String((error as Error).cause ?? error);
    }
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`${url} was not ready within 30 s (${last}): see the server's output above`);
}

/** The server that was there before the tests. */
export const commonServer: Server = {
  url: process.env.E2E_BASE_URL ?? COMMON.SEKISHO_BASE_URL,
  sekisho: (...args) => command(BINARY, process.cwd(), process.env.E2E_BASE_URL ? process.env : COMMON, args),
  fill: () => Promise.reject('the common server has people already'),
  stop: async () => {},
};

/** Starts a server on a free port with a database of its own. */
export async function startServer(settings: Settings): Promise<Server> {
  const dir = await mkdtemp(join(tmpdir(), 'sekisho-'));
  const port = await freePort();
  const listen = `127.0.0.1:${port}`;
  const filled = Object.entries(settings).map(([name, value]) => [name, value.replace('{port}', `${port}`)]);
  const env: Settings = {
    SEKISHO_LISTEN: listen,
    SEKISHO_DATABASE_URL: `sqlite://${dir}/sekisho.db`,
    SEKISHO_RATE_LIMIT: 'off',
    SEKISHO_LOG: 'warn',
    ...STRATEGY,
    ...Object.fromEntries(filled),
  };
  const url = env.SEKISHO_BASE_URL ?? `http://${listen}`;
  const server = spawn(BINARY, ['serve'], { cwd: dir, env, stdio: ['ignore', 'ignore', 'inherit'] });
  const exited = once(server, 'exit');
  await Promise.race([waitUntilReady(url), exited.then(([code]) => Promise.reject(`${BINARY} stopped with ${code}`))]);
  return {
    url,
    sekisho: (...args) => command(BINARY, dir, env, args),
    fill: (...args) => command(FILL, dir, env, args),
    async stop() {
      server.kill();
      await exited;
      await rm(dir, { recursive: true });
    },
  };
}

async function command(file: string, cwd: string, env: NodeJS.ProcessEnv, args: string[]) {
  await promisify(execFile)(file, args, { cwd, env });
}

async function freePort() {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}
