// `npm run measure`: the module's size, and how long a verification takes once keys and list are there.
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { AUDIENCE, ISSUER, World, newKey } from './world.js';
import { Verifier } from '../verifier.js';

const entryPoints = [new URL('../verifier.js', import.meta.url).pathname];
const { outputFiles } = await build({ entryPoints, minify: true, format: 'esm', write: false });
const size = gzipSync(outputFiles[0].contents, { level: 9 }).length;
console.log(`size: ${outputFiles[0].contents.length} bytes minified, ${size} gzipped`);

const ROUNDS = 5_000;
const { hrtime } = process;
const message = new Uint8Array(500);
for (const alg of ['EdDSA', 'ES256', 'RS256']) {
  const world = await World.create();
  world.keys = [await newKey('a', alg)];
  const token = await world.token();
  const verifier = new Verifier({ url: ISSUER, audience: AUDIENCE });
  await verifier.verify(token);
  const { algorithm, publicKey, sign } = world.keys[0];
  const signature = await sign(message);
  const verification = await time(() => verifier.verify(token));
  const bare = await time(() => crypto.subtle.verify(algorithm, publicKey, signature, message));
  console.log(`${alg}: ${verification} a verification, of which Web Crypto's signature ${bare} (p50, p99)`);
  World.restore();
}

async function time(act) {
  const times = [];
  for (let n = 0; n < ROUNDS; n++) {
    const start = hrtime.bigint();
    await act();
    times.push(Number(hrtime.bigint() - start) / 1_000);
  }
  times.sort((a, b) => a - b);
  return [0.5, 0.99].map((part) => `${times[part * ROUNDS].toFixed(0)} µs`).join(', ');
}
