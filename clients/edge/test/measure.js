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
for (const alg of ['EdDSA', 'ES256', 'RS256']) {
  const world = await World.create();
  world.keys = [await newKey('a', alg)];
  const token = await world.token();
  const verifier = new Verifier({ url: ISSUER, audience: AUDIENCE });
  await verifier.verify(token);
  const times = [];
  const { hrtime } = process;
  for (let n = 0; n < ROUNDS; n++) {
    const start = hrtime.bigint();
    await verifier.verify(token);
    times.push(Number(hrtime.bigint() - start) / 1_000);
  }
  const [p50, p99] = [0.5, 0.99].map((part) => times.sort((a, b) => a - b)[Math.floor(part * ROUNDS)].toFixed(0));
  console.log(`${alg}: ${p50} µs (p50), ${p99} µs (p99) of ${ROUNDS}`);
  World.restore();
}
