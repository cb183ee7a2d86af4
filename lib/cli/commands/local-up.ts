import type { Isolation } from '../../local-cloud/index.ts';
import type { Command } from '../command.ts';
import { usage } from '../invocation.ts';
import { programName } from '../program-name.ts';
import { progressTo } from '../progress.ts';
import { durationText } from '../times.ts';

export const localUp: Command = {
  name: 'local up',
  summary: 'start the local AWS and deploy every workflow of this folder into it',
  description:
    'Needs Python >= 3.10 and no AWS account, and Docker only for `--driver docker`, which is given anew each time. Call it again after a change: only what changed is deployed. Makes people with keys of their own to try approvals with (`--as`).',
  positionals: [],
  options: [
    { name: 'port', value: 'PORT', summary: 'where it listens (default: the port of the last time, else a free one)' },
    {
      name: 'driver',
      value: 'NAME',
      summary: 'how sandboxes run: `process` (default) or `docker`, in containers with the limits of their tasks',
    },
  ],
  json: '`{ endpoint, controlApiUrl, stage, people, workflows, emulator, deploy, isolation, milliseconds }`',
  examples: [{ command: 'wflo local up', shows: 'a local AWS, ready for `wflo run … --local`' }],
  async run(invocation, { env, output, projectDir }) {
    const port = portOf(invocation.value('port'));
    const driver = driverOf(invocation.value('driver'));
    const local = await import('../../local-cloud/index.ts');
    const { state, ...result } = await local.localUp({
      projectDir,
      report: progressTo(output),
      ...(port === undefined ? {} : { port }),
      ...(driver === undefined ? {} : { driver }),
    });
    const people = Object.keys(state.people ?? {}).sort();
    output.result({ stage: state.stage, people, ...result }, () => [
      `the local AWS is up at ${result.endpoint} (${durationText(result.milliseconds)})`,
      `workflows: ${result.workflows.join(', ') || 'none'}`,
      ...(people.length === 0 ? [] : [`people (--as): ${people.join(', ')}`]),
      ...isolationLines(result.isolation),
    ]);
    if (result.workflows.length > 0) output.note(`start one: ${programName(env)} run <workflow> --local --wait`);
  },
};

function portOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (port < 1 || port > 65535) throw usage(`"${text}" is not a port`, 'give a number from 1 to 65535');
  return port;
}

function driverOf(text: string | undefined): 'docker' | 'process' | undefined {
  if (text === undefined || text === 'docker' || text === 'process') return text;
  throw usage(`"${text}" is not a driver`, 'give `process` or `docker`');
}

/** What sandboxes run in, and what is not enforced there. */
export function isolationLines(isolation: Isolation | null): string[] {
  if (isolation === null) return [];
  const open = isolation.properties.filter((property) => !property.enforced);
  return [
    `sandboxes: ${isolation.driver}${open.length === 0 ? '' : `, not enforced here: ${open.map((property) => property.property).join(', ')}`}`,
  ];
}
