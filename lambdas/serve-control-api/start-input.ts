import { WfloError } from '../../lib/errors.ts';
import { acceptInput } from '../../lib/execution/accept-input.ts';
import type { WorkflowConfig } from '../../lib/execution/machine.ts';
import type { Json } from '../../lib/json.ts';

/** Largest input of StartExecution, in bytes of UTF-8 [AWS: Step Functions quotas]. */
const INPUT_LIMIT_BYTES = 256 * 1024;

/** Refuses what Step Functions or Open would refuse, before anything is recorded or started. */
export function checkInput(config: WorkflowConfig, input: Json): void {
  const bytes = Buffer.byteLength(JSON.stringify(input));
  if (bytes > INPUT_LIMIT_BYTES) {
    throw new WfloError('invalid_input', `the input has ${bytes} bytes, and may have ${INPUT_LIMIT_BYTES}`, {
      fix: 'store the data in S3 and pass its key',
    });
  }
  acceptInput(config, input);
}
