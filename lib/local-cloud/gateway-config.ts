import { z } from 'zod';
import { WfloError } from '../errors.ts';
import type { GatewayConfig } from './gateway-process.ts';

const Config: z.ZodType<GatewayConfig> = z.object({
  endpoint: z.string().min(1),
  region: z.string().min(1),
  account: z.string(),
  stage: z.string().min(1),
  caFile: z.string().min(1),
  credentials: z.object({ accessKeyId: z.string().min(1), secretAccessKey: z.string().min(1) }),
  port: z.number().int().min(1).max(65535),
  projectDir: z.string().min(1),
  statusFile: z.string().min(1),
});

/** Throws `local_setup_failed`. */
export function parseGatewayConfig(text: string, file: string): GatewayConfig {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  const parsed = Config.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new WfloError('local_setup_failed', `${file}: ${issue?.path.join('.')}: ${issue?.message}`, {
    fix: 'Run `wflo local up` again.',
  });
}
