// Runs the suite where the verifier is meant to run: in Node, in workerd (Cloudflare Workers), and in the Edge Runtime's
// sandbox (Vercel), which has Web APIs alone.
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { EdgeVM } from '@edge-runtime/vm';
import { Miniflare } from 'miniflare';
import { bundle } from './run.js';

const here = await import(`data:text/javascript,${encodeURIComponent(await bundle('esm'))}`);
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
  Node: (name) => here.run(name),
  workerd: async (name) => {
    const response = await miniflare.dispatchFetch('http://worker/', { headers: { 'x-test': encodeURIComponent(name) } });
    return (await response.json()).wrong;
  },
  'the Edge Runtime': (name) => edge.evaluate(`suite.run(${JSON.stringify(name)})`),
};

for (const [runtime, run] of Object.entries(RUNTIMES)) {
  for (const name of Object.keys(here.tests)) {
    test(`${runtime}: ${name}`, async () => {
      const wrong = await run(name);
      assert.equal(wrong, undefined, wrong);
    });
  }
}
