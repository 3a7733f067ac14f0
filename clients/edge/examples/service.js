// The example service of the edge verifier, as the others in clients/: `node examples/service.js node`, or `workerd`,
// which runs examples/worker in Cloudflare's runtime, here, by miniflare. The variables are those of clients/README.md.
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import worker from './worker/worker.js';

const { ISSUER_URL = 'http://127.0.0.1:3000', ISSUER, AUDIENCE = 'orders', SCOPE, STALE_AFTER = '30' } = process.env;
const { SERVICE_SECRET, LISTEN = '127.0.0.1:4004' } = process.env;
const COOKIE = 'orders'; // `__Host-orders` takes https
const given = Object.entries({ ISSUER_URL, ISSUER, AUDIENCE, SCOPE, STALE_AFTER, SERVICE_SECRET, COOKIE });
const env = Object.fromEntries(given.filter(([, value]) => value !== undefined));
const { hostname, port } = new URL(`http://${LISTEN}`);
console.log(`listening on ${process.argv[2] === 'workerd' ? await inWorkerd() : await inNode()}`);

/** Node's server speaks no `Request` and `Response`: frameworks, Deno and Bun do this part. */
async function inNode() {
  const server = createServer(async (incoming, outgoing) => {
    try {
      const headers = Object.entries(incoming.headersDistinct).flatMap(([name, values]) =>
        values.map((value) => [name, value]),
      );
      const request = new Request(new URL(incoming.url, `http://${LISTEN}`), { method: incoming.method, headers });
      const response = await worker.fetch(request, env, { waitUntil() {} });
      outgoing.writeHead(response.status, [...response.headers].flat());
      outgoing.end(Buffer.from(await response.arrayBuffer()));
    } catch (error) {
      console.error(error);
      outgoing.writeHead(500).end();
    }
  });
  await new Promise((resolve) => server.listen(Number(port), hostname, resolve));
  return `http://${server.address().address}:${server.address().port}`;
}

async function inWorkerd() {
  const { Miniflare } = await import('miniflare');
  const { build } = await import('esbuild');
  const entryPoints = [fileURLToPath(new URL('worker/worker.js', import.meta.url))];
  const { outputFiles } = await build({ entryPoints, bundle: true, format: 'esm', write: false });
  const miniflare = new Miniflare({
    host: hostname,
    port: Number(port),
    modules: true,
    script: outputFiles[0].text,
    compatibilityDate: '2025-01-01',
    bindings: env,
    kvNamespaces: ['REVOCATIONS'],
  });
  process.on('SIGTERM', () => miniflare.dispose().finally(() => process.exit()));
  return (await miniflare.ready).origin;
}
