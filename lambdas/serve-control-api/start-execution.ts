import type { StartRequest } from '../../lib/client/api.ts';
import { WfloError } from '../../lib/errors.ts';
import { UNVERIFIED } from '../../lib/execution/actors.ts';
import { inputHash } from '../../lib/execution/input-hash.ts';
import type { WorkflowConfig } from '../../lib/execution/machine.ts';
import { type ExecutionRecord, SCHEMA } from '../../lib/execution/records.ts';
import { refusalToOpen } from '../../lib/execution/refusal-to-open.ts';
import { untilDecided } from '../../lib/execution/until-decided.ts';
import type { Json } from '../../lib/json.ts';
import type { Change } from '../../lib/ports.ts';
import type { ControlApiPorts } from './ports.ts';
import type { Principal } from './principal.ts';
import { unknownWorkflow } from './read-execution.ts';
import { checkInput } from './start-input.ts';

/** `reconcile` looks at an execution that is still `starting` after this long. */
const STARTING_CHECK_MS = 5 * 60 * 1000;

/** Step Functions frees the name of an ended execution after 90 days [AWS: StartExecution]. */
const NAME_KEPT_MS = 90 * 24 * 60 * 60 * 1000;

export interface Started {
  readonly executionId: string;
  /** False when the same start was made before. */
  readonly created: boolean;
}

/**
 * Records who starts what, then starts it. A repeat of the same start, also one that was cut off in between, comes to
 * the same execution. Throws `unknown_workflow`, `unknown_option`, `invalid_input`, `name_conflict`, `name_reused`,
 * `frozen`, `too_many_executions`, `approvers_missing`.
 */
export async function startExecution(
  ports: ControlApiPorts,
  principal: Principal,
  request: StartRequest,
  traceId: string | undefined,
): Promise<Started> {
  const config = await ports.workflows.config(request.workflow);
  if (config === undefined) throw unknownWorkflow(request.workflow, await ports.workflows.names());
  checkInput(config, request.input);

  const executionId = `${config.name}:${request.name ?? nameFromTime(ports)}`;
  const record = startingRecord(ports, principal, config, executionId, request.input, traceId);
  const isNew = await untilDecided(() => recordStart(ports, config, record));
  if (!isNew) {
    const existing = await ports.executions.getExecution(executionId);
    if (existing === undefined)
      throw new WfloError('internal', `the record of ${executionId} is refused, and not there`);
    if (decideRepeat(existing, record.inputHash, ports.clock.now()) === 'exists')
      return { executionId, created: false };
  }

  if ((await ports.machines.start(executionId, request.input)) === 'started') return { executionId, created: isNew };
  await checkMachine(ports, record, isNew);
  return { executionId, created: false };
}

/**
 * False where the name is taken; undefined where the count of open executions changed in between. Throws `name_reused`
 * where the records of the execution of that name have expired.
 */
async function recordStart(
  ports: ControlApiPorts,
  config: WorkflowConfig,
  record: ExecutionRecord,
): Promise<boolean | undefined> {
  const { executionId, tenant, workflow, requester } = record;
  if ((await ports.executions.getExecution(executionId)) !== undefined) return false;
  const refusal = await refusalToOpen(ports, config, { tenant, requester });
  if (refusal !== undefined) throw new WfloError(refusal.code, refusal.message, refusal);
  const { maxConcurrent: limit } = config;
  const counted: readonly Change[] =
    limit === undefined ? [] : [{ item: 'openCount', tenant, workflow, add: 1, limit }];
  const written = await ports.executions.commit({
    executionId,
    changes: [{ item: 'execution', put: limit === undefined ? record : { ...record, counted: tenant } }, ...counted],
    // Nothing has happened yet: Open writes `workflow.started`.
    events: [],
  });
  if (written) return true;
  if (await hasExpired(ports, executionId)) {
    throw new WfloError('name_reused', `${executionId} was the name of an execution whose records have expired`, {
      fix: 'choose another name',
      details: { executionId },
    });
  }
  return undefined;
}

/** Its event chain stays. The record is read first: what was begun just now has a record before it has an event. */
async function hasExpired(
  { executions, audit }: Pick<ControlApiPorts, 'executions' | 'audit'>,
  executionId: string,
): Promise<boolean> {
  if ((await executions.getExecution(executionId)) !== undefined) return false;
  return (await audit.list(executionId, 0, 1)).items.length > 0;
}

/** Unique, and sorted by time: `20261124-145753-` and eight letters. */
function nameFromTime({ clock, ids }: Pick<ControlApiPorts, 'clock' | 'ids'>): string {
  const time = clock.now().toISOString().slice(0, 19).replaceAll(/[-:]/g, '').replace('T', '-');
  return `${time}-${ids.next().slice(-8).toLowerCase()}`;
}

function startingRecord(
  ports: ControlApiPorts,
  principal: Principal,
  config: WorkflowConfig,
  executionId: string,
  input: Json,
  traceId: string | undefined,
): ExecutionRecord {
  const now = ports.clock.now();
  return {
    schema: SCHEMA,
    executionId,
    workflow: config.name,
    tenant: principal.tenant,
    status: 'starting',
    executionArn: ports.machines.executionArn(executionId),
    requester: principal.actor,
    inputHash: inputHash(input),
    steps: config.steps,
    startedAt: now.toISOString(),
    eventCount: 0,
    checkAt: new Date(now.getTime() + STARTING_CHECK_MS).toISOString(),
    traceId: traceId ?? executionId,
  };
}

/**
 * What a start does when an execution of its name is recorded: `start` where the machine may not have been started
 * yet. Throws `name_reused` or `name_conflict`.
 */
export function decideRepeat(existing: ExecutionRecord, hash: string, now: Date): 'exists' | 'start' {
  if (existing.endedAt !== undefined && now.getTime() - Date.parse(existing.endedAt) > NAME_KEPT_MS) {
    throw new WfloError('name_reused', `${existing.executionId} ended at ${existing.endedAt}`, {
      fix: 'choose another name',
      details: { executionId: existing.executionId },
    });
  }
  if (existing.inputHash !== hash) throw nameConflict(existing.executionId);
  return existing.status === 'starting' && existing.ending === undefined ? 'start' : 'exists';
}

function nameConflict(executionId: string): WfloError {
  return new WfloError('name_conflict', `${executionId} exists with another input`, {
    fix: 'choose another name, or send the input of that execution',
    details: { executionId },
  });
}

/**
 * The machine has an execution of this name: ours, of an earlier try, or one that somebody started past this API just
 * now. Of the latter nobody may call himself the requester. Open settles it when it sees another input than recorded.
 */
async function checkMachine(ports: ControlApiPorts, record: ExecutionRecord, isNew: boolean): Promise<void> {
  const machine = await ports.machines.describe(record.executionArn);
  if (machine === undefined) return;
  if (machine.input !== undefined && inputHash(JSON.parse(machine.input) as Json) !== record.inputHash) {
    throw nameConflict(record.executionId);
  }
  if (!isNew || machine.startedAt >= record.startedAt) return;
  await ports.executions.commit({
    executionId: record.executionId,
    changes: [
      {
        item: 'execution',
        set: { requester: UNVERIFIED },
        expect: { status: { oneOf: ['starting', 'running'] }, requester: record.requester },
      },
    ],
    events: [],
  });
}
