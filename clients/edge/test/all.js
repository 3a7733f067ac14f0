// The suite in whatever runtime this is started with: `deno run -A test/all.js`, `bun test/all.js`.
import { run, tests } from './suite.js';

for (const name of Object.keys(tests)) {
  const wrong = await run(name);
  if (wrong !== undefined) throw new Error(`${name}: ${wrong}`);
}
console.log(`${Object.keys(tests).length} tests passed`);
