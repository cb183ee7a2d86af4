import { WfloError } from '../../lib/errors.ts';
import type { Check, DeployedStage } from './check.ts';

/** Everything around the checks: the account, and making and removing the stage. */
export interface SmokePorts {
  /** Of the credentials in use. */
  account(): Promise<string>;
  /** Whatever the account has of this stage: names of stacks, tables, buckets, keys. */
  remains(stage: string): Promise<readonly string[]>;
  deploy(stage: string): Promise<void>;
  /** Makes the caller administrator and approver of the new stage. */
  enter(stage: string): Promise<DeployedStage>;
  destroy(stage: string): Promise<void>;
  say(line: string): void;
}

export interface SmokeOptions {
  readonly stage: string;
  /** What the person typed behind `--confirm`. */
  readonly confirmedAccount: string | undefined;
  /** Aborted: no check begins any more, and the stage is destroyed. */
  readonly signal?: AbortSignal;
}

export interface Outcome {
  readonly id: string;
  readonly result: 'shown' | 'not shown' | 'not run';
  /** Evidence, or what was seen instead. */
  readonly text: string;
}

export interface SmokeReport {
  readonly ok: boolean;
  readonly outcomes: readonly Outcome[];
  /** What is still in the account. */
  readonly left: readonly string[];
}

export const COST = [
  'This deploys a whole stage into your account (five stacks, private network, images built with Docker), runs small',
  'sandboxes in it, deploys once more, and destroys it. It takes 30 to 60 minutes and costs less than one US dollar:',
  'mostly six interface endpoints at about 0.01 USD an hour each, and two keys until they are scheduled for deletion.',
  'CDK asks on this terminal before it gives permissions: somebody has to be here.',
];

/**
 * Deploys, checks, destroys. Throws `usage` before anything is made; after that it always tries to destroy, and the
 * report says what is left.
 */
export async function runSmoke(
  { stage, confirmedAccount, signal }: SmokeOptions,
  checks: readonly Check[],
  ports: SmokePorts,
): Promise<SmokeReport> {
  await refuse(stage, confirmedAccount, ports);
  const outcomes: Outcome[] = [];
  try {
    ports.say(`deploying stage ${stage}`);
    await ports.deploy(stage);
    const deployed = await ports.enter(stage);
    for (const check of checks) {
      if (signal?.aborted) break;
      ports.say(`${check.id}: ${check.what}`);
      outcomes.push(await outcomeOf(check, deployed));
    }
  } catch (error) {
    outcomes.push({ id: 'deploy', result: 'not shown', text: messageOf(error) });
  }
  const missed = checks.filter(({ id }) => !outcomes.some((outcome) => outcome.id === id));
  outcomes.push(...missed.map(({ id }): Outcome => ({ id, result: 'not run', text: '' })));

  ports.say(`destroying stage ${stage}`);
  let destroyed = 'nothing is left';
  await ports.destroy(stage).catch((error: unknown) => {
    destroyed = messageOf(error);
  });
  const left = await ports.remains(stage).catch((error: unknown) => [`not known: ${messageOf(error)}`]);
  const gone = destroyed === 'nothing is left' && left.length === 0;
  outcomes.push({
    id: 'destroy',
    result: gone ? 'shown' : 'not shown',
    text: gone || destroyed !== 'nothing is left' ? destroyed : `left: ${left.join(', ')}`,
  });
  return { ok: outcomes.every(({ result }) => result === 'shown'), outcomes, left };
}

async function refuse(stage: string, confirmed: string | undefined, ports: SmokePorts): Promise<void> {
  if (!/^smoke[a-z0-9]{0,11}$/.test(stage))
    throw new WfloError('usage', `the stage is "${stage}", and this run ends by deleting it with all data`, {
      fix: 'name one that begins with "smoke" and has at most 16 lower-case letters and digits',
    });
  const account = await ports.account();
  if (confirmed !== account)
    throw new WfloError(
      'usage',
      `the credentials are those of account ${account}, and ${confirmed === undefined ? 'no account' : `"${confirmed}"`} was confirmed`,
      { fix: `read what it costs, then repeat the command with --confirm ${account}` },
    );
  const found = await ports.remains(stage);
  if (found.length > 0)
    throw new WfloError('usage', `stage ${stage} exists already: ${found.join(', ')}`, {
      fix: `name another with --stage, or remove it: wflo destroy --stage ${stage} --confirm ${stage} --delete-data`,
    });
}

async function outcomeOf({ id, run }: Check, deployed: DeployedStage): Promise<Outcome> {
  try {
    return { id, result: 'shown', text: await run(deployed) };
  } catch (error) {
    return { id, result: 'not shown', text: messageOf(error) };
  }
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
