import { z } from 'zod';
import { WfloError } from '../../errors.ts';
import type { SandboxHostConfig } from '../sandbox-host-process.ts';

const Config: z.ZodType<SandboxHostConfig> = z.object({
  endpoint: z.string().min(1),
  port: z.number().int(),
  region: z.string().min(1),
  account: z.string(),
  stage: z.string().min(1),
  caFile: z.string().min(1),
  credentials: z.object({ accessKeyId: z.string().min(1), secretAccessKey: z.string().min(1) }),
  driver: z.enum(['docker', 'process']).exactOptional(),
  modelsUrl: z.string().min(1).exactOptional(),
  workFolder: z.string().min(1),
  statusFile: z.string().min(1),
});

/** Throws `local_setup_failed`. */
export function parseHostConfig(text: string, file: string): SandboxHostConfig {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new WfloError('local_setup_failed', `${file} is not JSON`, { fix: 'Run `wflo local up` again.' });
  }
  const parsed = Config.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new WfloError('local_setup_failed', `${file}: ${issue?.path.join('.')}: ${issue?.message}`, {
      fix: 'Run `wflo local up` again.',
    });
  }
  return parsed.data;
}
