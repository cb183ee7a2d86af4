import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { localDown, localReset, localUp } from '../lib/local-cloud/index.ts';
import { layOutProject, projectDir } from '../test/_helpers/local-aws.ts';
import { type Benchmark, round } from './bench.ts';

/** Of a workflow like any other, which the second deployment adds. */
const ADDED = `import { z } from 'zod';
import { seconds, workflow } from ${JSON.stringify(join(projectDir, '../../lib/index.ts'))};

export default workflow('added', { input: z.object({}) }, (w) => {
  w.wait('a-moment', seconds(1));
});
`;

/** What a team waits for: the first deployment, one after a change, and one without. */
export const deploy: Benchmark = {
  name: 'deploy',
  title: 'Deploying into the local AWS',
  run: async () => {
    layOutProject();
    const added = join(projectDir, 'state-machines', 'added');
    const seconds = async () => {
      const { milliseconds } = await localUp({ projectDir, driver: 'process', report: () => {} });
      return round(milliseconds / 1000);
    };
    if (!existsSync(join(projectDir, '.wflo', 'venv'))) await seconds();
    await localReset({ projectDir, report: () => {} });
    const first = await seconds();
    mkdirSync(added);
    writeFileSync(join(added, 'workflow.ts'), ADDED);
    const changed = await seconds();
    const unchanged = await seconds();
    await localDown({ projectDir, report: () => {} });
    rmSync(added, { recursive: true });
    return [
      { what: 'start and first deployment of all stacks and the workflows of the tests', value: first, unit: 's' },
      { what: 'deployment of one more workflow', value: changed, unit: 's' },
      { what: 'up again without a change', value: unchanged, unit: 's' },
    ];
  },
};
