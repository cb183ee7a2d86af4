/** The stacks of a stage (`lib/stacks/stage-stacks.ts`), from what holds data to what only looks on. */
export const STACKS = ['Data', 'Network', 'Platform', 'Workflows', 'Observability'] as const;

export function stackName(stack: (typeof STACKS)[number], stage: string): string {
  return `Wflo${stack}-${stage}`;
}
