import { localReset } from '../lib/local-cloud/index.ts';
import { type Benchmark, round } from './bench.ts';
import { root, timedCommand } from './timed-command.ts';

/** Resets the local AWS of this checkout. */
export const demo: Benchmark = {
  name: 'demo',
  title: 'npm run demo, with npm ci done',
  run: async () => {
    await localReset({ projectDir: root, report: () => {} });
    const first = await timedCommand('npm', 'run', 'demo');
    const second = await timedCommand('npm', 'run', 'demo');
    return [
      { what: 'npm run demo, first time (npm ci done)', value: round(first), unit: 's', limit: 120 },
      { what: 'npm run demo, again', value: round(second), unit: 's', limit: 30 },
    ];
  },
};
