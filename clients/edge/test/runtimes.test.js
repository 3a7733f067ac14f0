// Runs the suite where the verifier is meant to run: in Node, in workerd (Cloudflare Workers), and in the Edge
// Runtime's sandbox (Vercel), which has Web APIs alone.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { EdgeVM } from '@edge-runtime/vm';
import { build } from 'esbuild';
import { Miniflare } from 'miniflare';
import * as suite from './suite.js';

/** The suite as one script. */
async function bundle(format) {
  const entryPoints = [fileURLToPath(new URL('suite.js', import.meta.url))];
  const { outputFiles } = await build({ entryPoints, bundle: true, format, globalName: 'suite', write: false });
  return outputFiles[0].text;
}

const edge = new EdgeVM();
edge.evaluate(`${await bundle('iife')}; globalThis.suite = suite;`);
const worker = `export default {
  async fetch(request) {
    return Response.json({ wrong: await run(decodeURIComponent(request.headers.get('x-test'))) });
  },
};`;
const miniflare = new Miniflare({
  modules: true,
  compatibilityDate: '2025-01-01',
  script: `${await bundle('esm')}\n${worker}`,
});
after(() => miniflare.dispose());

const RUNTIMES = {
  Node: (name) => suite.run(name),
  workerd: async (name) => {
    const response = await miniflare.dispatchFetch('http://worker/', {
      headers: { 'x-test': encodeURIComponent(name) },
    });
    return (await response.json()).wrong;
  },
  'the Edge Runtime': (name) => edge.evaluate(`suite.run(${JSON.stringify(name)})`),
};

for (const [runtime, run] of Object.entries(RUNTIMES)) {
  for (const name of Object.keys(suite.tests)) {
    test(`${runtime}: ${name}`, async () => {
      const wrong = await run(name);
      assert.equal(wrong, undefined, wrong);
    });
  }
}
