import type { Isolation, IsolationProperty } from '../contract.ts';
import { OPEN_FILES } from './resource-limits.ts';

/** What a task definition and the runner promise on Fargate; every driver says of each what it enforces. */
const PROPERTIES = [
  'memory limit',
  'cpu limit',
  'separate user',
  'read-only root',
  'capabilities',
  'network',
  'processes of others',
  'process limit',
  'open files',
  'disk limit',
  'time limit',
  'no AWS credentials',
  'workspace',
] as const;

type Said = { readonly [P in (typeof PROPERTIES)[number]]: readonly [enforced: boolean, detail: string] };

function isolation(driver: string, said: Said): Isolation {
  const properties = PROPERTIES.map((property): IsolationProperty => {
    const [enforced, detail] = said[property];
    return { property, enforced, detail };
  });
  return { driver, properties };
}

/**
 * The process driver. Everything of the runner (time limit, scrubbed environment, output and log caps) is the same on
 * Fargate, because it is the same runner.
 */
export function describeProcessIsolation(found: { readonly limits: boolean; readonly ownPids: boolean }): Isolation {
  return isolation('process', {
    'memory limit': [false, 'a process of this machine may take all of its memory; out of memory cannot be produced'],
    'cpu limit': [false, 'the processors of this machine are shared'],
    'separate user': [false, 'the agent runs as the user of the sandbox host, and can read what that user can'],
    'read-only root': [false, 'the file system of this machine, as far as that user may write'],
    capabilities: [false, 'those of the user of the sandbox host'],
    network: [false, 'the agent reaches everything that this machine reaches'],
    'processes of others': found.ownPids
      ? [true, 'a PID namespace of its own (unshare): it sees no other process, and ends with all of its own']
      : [false, 'this machine allows no PID namespaces: a process that replaced its environment may outlive its step'],
    'process limit': [false, 'the agent may start any number of processes'],
    'open files': found.limits
      ? [true, `${OPEN_FILES} per process, no core dumps (prlimit)`]
      : [false, 'prlimit is not available on this machine'],
    'disk limit': found.limits
      ? [false, 'the agent may fill the disk; the runner limits one file to 10 GiB']
      : [false, 'the agent may fill the disk'],
    'time limit': [true, 'the runner ends the process group, and kills what left it'],
    'no AWS credentials': [true, 'nothing of the environment of the sandbox host is passed on'],
    workspace: [true, 'a folder per attempt, deleted at its end; other files of this machine are not hidden'],
  });
}

/** The Docker driver: the task definition applied to a container. The kernel is shared, which it is not on Fargate. */
export function describeDockerIsolation(diskLimited = false): Isolation {
  return isolation('docker', {
    'memory limit': [true, 'the memory of the task, no swap (cgroup)'],
    'cpu limit': [true, 'the vCPU of the task (cgroup)'],
    'separate user': [true, 'the agent is uid 1000 without new privileges; the runner is root of the container'],
    'read-only root': [true, 'only scratch volumes can be written'],
    capabilities: [true, "the runner's five, the agent none; Docker's seccomp profile"],
    network: [true, 'loopback only; its ports lead to the sandbox API, model calls and signed objects'],
    'processes of others': [true, 'a PID namespace of its own'],
    'process limit': [true, 'the limit of the task, for all of its processes together (cgroup)'],
    'open files': [true, 'the limit of the task'],
    'disk limit': diskLimited
      ? [true, 'all scratch volumes together have 2 GiB (Fargate: 20 GiB)']
      : [false, 'needs a sandbox host that is root: an agent may fill the disk of Docker'],
    'time limit': [true, 'the runner ends the agent, and the container ends with the runner'],
    'no AWS credentials': [true, 'the environment is that of the task, and no credential endpoint can be reached'],
    workspace: [true, 'volumes of one attempt, deleted at its end'],
  });
}
