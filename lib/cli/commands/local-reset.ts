import type { Command } from '../command.ts';
import { progressTo } from '../progress.ts';

export const localReset: Command = {
  name: 'local reset',
  summary: 'stop the local AWS and delete its data',
  description: 'Executions, events and deployments of the local AWS are gone. The installed emulator is kept.',
  positionals: [],
  options: [],
  json: '`{ emulator, sandboxHost, gateway, deleted }`',
  examples: [{ command: 'wflo local reset && wflo local up', shows: 'begin anew' }],
  async run(_, { output, projectDir }) {
    const local = await import('../../local-cloud/index.ts');
    const result = await local.localReset({ projectDir, report: progressTo(output) });
    output.result(result, () => ['the local AWS is reset', ...result.deleted.map((path) => `  deleted ${path}`)]);
  },
};
