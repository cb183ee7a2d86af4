import type { StepFunctionEvent } from '../../../../../lib/index.ts';

export async function handler({ input }: StepFunctionEvent<{ note: string }>): Promise<{ note: string }> {
  return { note: input.note };
}
