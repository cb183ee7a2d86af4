import { configText } from '../../lib/compiler/config-text.ts';
import { WfloError } from '../../lib/errors.ts';
import { acceptInput } from '../../lib/execution/accept-input.ts';
import type { WorkflowConfig } from '../../lib/execution/machine.ts';
import type { Json } from '../../lib/json.ts';

/** What the first state hands on, in bytes of UTF-8: the input and the configuration [AWS: Step Functions quotas]. */
const STATE_LIMIT_BYTES = 256 * 1024;
/** Its other fields: ARN, time, hash. */
const OTHER_FIELDS_BYTES = 1024;

/** Refuses what Step Functions or Open would refuse, before anything is recorded or started. */
export function checkInput(config: WorkflowConfig, input: Json): void {
  acceptInput(config, input);
  const bytes = Buffer.byteLength(JSON.stringify(input));
  const limit = STATE_LIMIT_BYTES - OTHER_FIELDS_BYTES - Buffer.byteLength(JSON.stringify(configText(config)));
  if (bytes <= limit) return;
  throw new WfloError('invalid_input', `the input has ${bytes} bytes, and may have ${limit}`, {
    fix: 'store the data in S3 and pass its key',
  });
}
