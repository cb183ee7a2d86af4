import type { DeployResult, DestroyResult } from '../deployment/index.ts';

/** `state_machine` as `state machine`. */
export function kindText(kind: DestroyResult['removed'][number]['kind']): string {
  return kind.replaceAll('_', ' ');
}

/** What became of what earlier deployments had left, for people. */
export function leftoverNotes({ removed, failed, problem }: DeployResult['leftovers']): string[] {
  return [
    ...removed.map(({ kind, id }) => `removed ${kindText(kind)} ${id}`),
    ...failed.map(({ kind, id, reason }) => `could not remove ${kindText(kind)} ${id}: ${reason}`),
    ...(failed.length > 0 ? ['the next deployment tries it again'] : []),
    ...(problem === null ? [] : [`nothing was removed, because not everything could be read: ${problem}`]),
  ];
}
