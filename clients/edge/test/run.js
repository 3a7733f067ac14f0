// The suite as one script, and the names of its tests.
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const suite = fileURLToPath(new URL('suite.js', import.meta.url));

export async function bundle(format) {
  const { outputFiles } = await build({ entryPoints: [suite], bundle: true, format, globalName: 'suite', write: false });
  return outputFiles[0].text;
}
