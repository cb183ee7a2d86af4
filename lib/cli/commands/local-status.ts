import { WfloError } from '../../errors.ts';
import type { LocalStatus, ProcessStatus } from '../../local-cloud/index.ts';
import type { Command } from '../command.ts';
import type { Style } from '../style.ts';
import { table } from '../table.ts';
import { isolationLines } from './local-up.ts';

export const localStatus: Command = {
  name: 'local status',
  summary: 'show whether the local AWS runs, and what is deployed in it',
  positionals: [],
  options: [],
  json: '`{ condition, endpoint, controlApiUrl, stage, emulator, sandboxHost, gateway, modelsUrl, versions, workflows, deployedAt, deployOutdated, isolation, differsFromAws }`',
  examples: [{ command: 'wflo local status', shows: 'condition, address, workflows, and how it differs from AWS' }],
  async run(_, { output, projectDir }) {
    const local = await import('../../local-cloud/index.ts');
    const status = await local.localStatus({ projectDir });
    output.result(status, () => localStatusLines(status, output.style));
    const died = whatDied(status);
    if (died === undefined) return;
    throw new WfloError('local_died', `${died} ended unexpectedly`, { fix: 'run `wflo local up`' });
  },
};

function whatDied({ condition, sandboxHost, gateway }: LocalStatus): string | undefined {
  if (condition === 'died') return 'the local AWS';
  if (condition !== 'running') return undefined;
  const hasDied = ({ pid, alive }: ProcessStatus) => pid !== null && !alive;
  if (hasDied(sandboxHost)) return 'the sandbox host of the local AWS';
  return hasDied(gateway) ? 'the gateway of the local AWS' : undefined;
}

const CONDITIONS = {
  running: 'running',
  stopped: 'stopped; `wflo local up` starts it with what it held',
  died: 'died',
  none: 'never started; `wflo local up` starts it',
} as const;

export function localStatusLines(status: LocalStatus, style: Style): string[] {
  const colour = { running: 'green', stopped: 'yellow', died: 'red', none: 'dim' } as const;
  const rows = [
    ['condition', style(colour[status.condition], CONDITIONS[status.condition])],
    ['endpoint', status.endpoint ?? ''],
    ['control API', status.controlApiUrl ?? ''],
    ['stage', status.stage ?? ''],
    ['workflows', status.workflows.join(', ')],
    [
      'deployed',
      status.deployedAt === null
        ? ''
        : `${status.deployedAt}${status.deployOutdated ? ', sources have changed since: run `wflo local up`' : ''}`,
    ],
    ['emulator', processText(status.emulator)],
    ['sandbox host', processText(status.sandboxHost)],
    ['gateway', processText(status.gateway)],
    ['models', status.modelsUrl ?? ''],
    [
      'versions',
      Object.entries(status.versions)
        .map(([name, version]) => `${name} ${version}`)
        .join(', '),
    ],
  ];
  return [
    ...table(rows.filter(([, text]) => text !== '')),
    ...isolationLines(status.isolation),
    ...(status.condition !== 'running' ? [] : ['differs from AWS:', ...status.differsFromAws.map((one) => `  ${one}`)]),
    ...lastLines('emulator', status.emulator),
    ...lastLines('sandbox host', status.sandboxHost),
    ...lastLines('gateway', status.gateway),
  ];
}

function processText({ alive, pid, logFile }: ProcessStatus): string {
  if (pid === null) return '';
  return `${alive ? `runs as process ${pid ?? '?'}` : 'does not run'}, log ${logFile}`;
}

function lastLines(name: string, { lastLogLines = [] }: ProcessStatus): string[] {
  return lastLogLines.length === 0 ? [] : [`last lines of the ${name}:`, ...lastLogLines.map((line) => `  ${line}`)];
}
