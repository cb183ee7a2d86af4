import { statSync } from 'node:fs';
import { join } from 'node:path';
import { buildFunctions, platformEntries } from '../lib/project/build-functions.ts';
import { type Benchmark, round } from './bench.ts';
import { root } from './timed-command.ts';

export const bundles: Benchmark = {
  name: 'bundles',
  title: 'JavaScript per function',
  run: async () => {
    const entries = platformEntries(root);
    const out = join(root, 'build', 'bench-functions');
    await buildFunctions(root, out, entries);
    return Object.keys(entries).map((folder) => ({
      what: folder.replace('lambdas/', ''),
      value: round(statSync(join(out, folder, 'index.mjs')).size / 1024, 0),
      unit: 'KiB',
      limit: 1152,
    }));
  },
};
