import type { Isolation } from '../contract.ts';
import { OPEN_FILES } from './resource-limits.ts';

/**
 * What the process driver enforces of what a task definition says. Everything of the runner (time limit, scrubbed
 * environment, output and log caps) is the same on Fargate, because it is the same runner.
 */
export function describeIsolation(limited: boolean): Isolation {
  const no = (property: string, detail: string) => ({ property, enforced: false, detail });
  const yes = (property: string, detail: string) => ({ property, enforced: true, detail });
  return {
    driver: 'process',
    properties: [
      no('memory limit', 'a process of this machine may take all of its memory; out of memory cannot be produced'),
      no('cpu limit', 'the processors of this machine are shared'),
      no('separate user', 'the agent runs as the user of the sandbox host, and can read what that user can'),
      no('read-only root', 'the file system of this machine, as far as that user may write'),
      no('capabilities', 'those of the user of the sandbox host'),
      no('network', 'the agent reaches everything that this machine reaches'),
      no('process limit', 'the agent may start any number of processes'),
      limited
        ? yes('open files', `${OPEN_FILES} per process, no core dumps (prlimit)`)
        : no('open files', 'prlimit is not available on this machine'),
      yes('time limit', 'the runner ends the process group, and kills what left it'),
      yes('no AWS credentials', 'nothing of the environment of the sandbox host is passed on'),
      yes('workspace', 'a folder per attempt, deleted at its end; other files of this machine are not hidden'),
    ],
  };
}
