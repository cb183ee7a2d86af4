import type { Command } from '../command.ts';
import { progressTo } from '../progress.ts';

export const localDown: Command = {
  name: 'local down',
  summary: 'stop the local AWS; its data is kept for the next `wflo local up`',
  positionals: [],
  options: [],
  json: '`{ emulator, sandboxHost, gateway }`, each `stopped`, `killed` or `not_running`',
  examples: [{ command: 'wflo local down', shows: 'stop it' }],
  async run(_, { output, projectDir }) {
    const local = await import('../../local-cloud/index.ts');
    const result = await local.localDown({ projectDir, report: progressTo(output) });
    output.result(result, () => [
      result.emulator === 'not_running' ? 'the local AWS was not running' : 'the local AWS is down',
    ]);
  },
};
