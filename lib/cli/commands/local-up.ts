import type { Isolation } from '../../local-cloud/index.ts';
import type { Command } from '../command.ts';
import { progressTo } from '../progress.ts';
import { durationText } from '../times.ts';

export const localUp: Command = {
  name: 'local up',
  summary: 'start the local AWS and deploy every workflow of this folder into it',
  description:
    'Needs Python >= 3.10, no Docker and no AWS account. Call it again after a change: only what changed is deployed.',
  positionals: [],
  options: [],
  json: '`{ endpoint, controlApiUrl, stage, workflows, emulator, deploy, isolation, milliseconds }`',
  examples: [{ command: 'wflo local up', shows: 'a local AWS, ready for `wflo run … --local`' }],
  async run(_, { output, projectDir }) {
    const local = await import('../../local-cloud/index.ts');
    const { state, ...result } = await local.localUp({ projectDir, report: progressTo(output) });
    output.result({ stage: state.stage, ...result }, () => [
      `the local AWS is up at ${result.endpoint} (${durationText(result.milliseconds)})`,
      `workflows: ${result.workflows.join(', ') || 'none'}`,
      ...isolationLines(result.isolation),
    ]);
    if (result.workflows.length > 0) output.note('start one: wflo run <workflow> --local --wait');
  },
};

/** What sandboxes run in, and what is not enforced there. */
export function isolationLines(isolation: Isolation | null): string[] {
  if (isolation === null) return [];
  const open = isolation.properties.filter((property) => !property.enforced);
  return [
    `sandboxes: ${isolation.driver}${open.length === 0 ? '' : `, not enforced here: ${open.map((property) => property.property).join(', ')}`}`,
  ];
}
