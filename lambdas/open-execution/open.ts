import { buildEvent } from '../../lib/audit/build-event.ts';
import { type NanoUsd, nanoUsd } from '../../lib/budget/money.ts';
import { type ErrorData, toErrorData, WfloError } from '../../lib/errors.ts';
import { acceptInput, executionLimit } from '../../lib/execution/accept-input.ts';
import { expectSchema } from '../../lib/execution/accepted-schema.ts';
import { DEFAULT_TENANT, GRAPH, UNVERIFIED } from '../../lib/execution/actors.ts';
import { checkAtOf } from '../../lib/execution/check-at.ts';
import { executionIdFromArn, isExecutionId } from '../../lib/execution/identity.ts';
import { inputHash } from '../../lib/execution/input-hash.ts';
import type { MachineState, OpenAnswer, OpenEvent, WorkflowConfig } from '../../lib/execution/machine.ts';
import { pickRefs } from '../../lib/execution/pick-refs.ts';
import { type Actor, type ExecutionRecord, type Handle, SCHEMA } from '../../lib/execution/records.ts';
import { refusalToOpen } from '../../lib/execution/refusal-to-open.ts';
import { isActive, isFinal } from '../../lib/execution/status.ts';
import { untilDecided } from '../../lib/execution/until-decided.ts';
import type { Json } from '../../lib/json.ts';
import type { BlobStore, Budgets, Change, Clock, ExecutionStore, Ids, People } from '../../lib/ports.ts';

export interface OpenPorts {
  readonly executions: ExecutionStore;
  readonly blobs: BlobStore;
  readonly people: People;
  readonly budgets: Pick<Budgets, 'openExecution'>;
  readonly clock: Clock;
  readonly ids: Ids;
  readonly stage: string;
  /** X-Ray root trace id, where there is one. */
  readonly traceId?: string;
}

type Accepted =
  | {
      readonly ok: true;
      readonly input: Handle;
      readonly refs: MachineState['input']['refs'];
      readonly limit?: NanoUsd;
    }
  | { readonly ok: false; readonly error: ErrorData };

/**
 * Records the execution, or takes over the record that the control API made for it. An input that is refused is
 * recorded too, as an execution that is ending as failed; the end handler closes it. A repeated call gives the same answer.
 */
export async function openExecution(ports: OpenPorts, event: OpenEvent): Promise<OpenAnswer> {
  expectSchema(event.schema);
  const executionId = executionIdFromArn(event.executionArn, ports.stage);
  // Step Functions allows more characters in a name than an execution id has. Nothing can be recorded under such a name.
  if (!isExecutionId(executionId)) return refusal(invalidName(executionId));
  const config = JSON.parse(event.workflow) as WorkflowConfig;
  return untilDecided(async () => {
    const existing = await ports.executions.getExecution(executionId);
    if (existing !== undefined && existing.status !== 'starting') return answerAgain(ports, event, config, existing);
    // Somebody cancelled between the record and the start.
    if (existing?.ending !== undefined) return refusal(endingError(existing));
    const identity = identityOf(event, existing);
    const accepted = await accept(ports, executionId, config, event.input, identity);
    const record = openedRecord(ports, executionId, config, event, { existing, identity, accepted });
    if (await commitOpened(ports, config, existing, record)) {
      if (accepted.ok) await openBudget(ports, config, record);
      return answerOf(config, executionId, accepted);
    }
    // Another call of the same start, or a cancel, was faster.
    return undefined;
  });
}

/** Whose execution it is: as a record of the control API proves it, or nobody's. */
interface Identity {
  readonly tenant: string;
  readonly requester: Actor;
  /** The tenant in which the control API has counted it. */
  readonly counted?: string;
}

function identityOf(event: OpenEvent, existing: ExecutionRecord | undefined): Identity {
  const counted = existing?.counted === undefined ? {} : { counted: existing.counted };
  if (existing === undefined || !announces(existing, inputHash(event.input), event.startedAt)) {
    return { tenant: DEFAULT_TENANT, requester: UNVERIFIED, ...counted };
  }
  return { tenant: existing.tenant, requester: existing.requester, ...counted };
}

async function accept(
  ports: OpenPorts,
  executionId: string,
  config: WorkflowConfig,
  given: Json,
  identity: Identity,
): Promise<Accepted> {
  const refused = await refusalToOpen(ports, config, identity);
  return refused === undefined ? acceptAndStore(ports, executionId, config, given) : { ok: false, error: refused };
}

async function acceptAndStore(
  ports: OpenPorts,
  executionId: string,
  config: WorkflowConfig,
  given: Json,
): Promise<Accepted> {
  let input: Json;
  let refs: MachineState['input']['refs'];
  let limit: NanoUsd | undefined;
  try {
    input = acceptInput(config, given);
    limit = executionLimit(config, given);
    refs = pickRefs(input, config.inputRefs);
  } catch (error) {
    if (!WfloError.is(error)) throw error;
    return { ok: false, error: toErrorData(error) };
  }
  const stored = await ports.blobs.put(executionId, 'input', input);
  return { ok: true, input: stored, refs, ...(limit === undefined ? {} : { limit }) };
}

function openedRecord(
  ports: OpenPorts,
  executionId: string,
  config: WorkflowConfig,
  event: OpenEvent,
  found: {
    readonly existing: ExecutionRecord | undefined;
    readonly identity: Identity;
    readonly accepted: Accepted;
  },
): ExecutionRecord {
  const { existing, identity, accepted } = found;
  const hash = inputHash(event.input);
  const timeoutAt = new Date(Date.parse(event.startedAt) + config.timeoutSeconds * 1000).toISOString();
  return {
    schema: SCHEMA,
    executionId,
    workflow: config.name,
    tenant: identity.tenant,
    status: 'running',
    executionArn: event.executionArn,
    requester: identity.requester,
    ...countedIn(config, identity, accepted),
    inputHash: hash,
    ...(accepted.ok ? { input: accepted.input } : {}),
    ...(accepted.ok
      ? {}
      : { ending: { status: 'failed', actor: GRAPH, reason: accepted.error.message, error: accepted.error } }),
    definitionHash: event.definitionHash,
    steps: config.steps,
    startedAt: new Date(event.startedAt).toISOString(),
    timeoutAt,
    ...(accepted.ok ? { budget: budgetOf(config, accepted.limit) } : {}),
    eventCount: existing?.eventCount ?? 0,
    checkAt: checkAtOf(ports.clock.now(), timeoutAt),
    traceId: ports.traceId ?? existing?.traceId ?? executionId,
  };
}

function budgetOf({ budget }: WorkflowConfig, limit: NanoUsd | undefined): NonNullable<ExecutionRecord['budget']> {
  return { onExceeded: budget?.onExceeded ?? 'stop', ...(limit === undefined ? {} : { limit }) };
}

/**
 * The scopes in which it reserves money, before its graph goes on: nothing may be spent that nobody counts. After the
 * record, so that an execution that is refused leaves nothing; a repeated call makes up for one that was cut off between.
 */
async function openBudget(ports: OpenPorts, config: WorkflowConfig, record: ExecutionRecord): Promise<void> {
  const { executionId, tenant, workflow, budget } = record;
  // Opened before there were budgets: the ledger does not know it, and nothing of it is reserved.
  if (budget === undefined) return;
  const { agents = {}, alertsAt = [], daily, monthly } = config.budget ?? {};
  await ports.budgets.openExecution({
    executionId,
    tenant,
    workflow,
    ...(budget.limit === undefined ? {} : { limit: nanoUsd(budget.limit) }),
    agents,
    alertsAt,
    windows: {
      ...(daily === undefined ? {} : { daily }),
      ...(monthly === undefined ? {} : { monthly }),
      ...(alertsAt.length === 0 ? {} : { alertsAt }),
    },
  });
}

/**
 * A record proves who started an execution only when it announced this start: with the same input, and before the
 * state machine began. One that came later was put beside a direct start of the same name, which it must not adopt.
 */
function announces(record: ExecutionRecord, hash: string, machineStartedAt: string): boolean {
  return record.inputHash === hash && Date.parse(record.startedAt) <= Date.parse(machineStartedAt);
}

/** Counted from here on, unless the control API has counted it, or it is refused and acts on nothing. */
function countedIn(
  { maxConcurrent }: WorkflowConfig,
  { tenant, counted }: Identity,
  accepted: Accepted,
): Pick<ExecutionRecord, 'counted'> {
  if (counted !== undefined) return { counted };
  return maxConcurrent === undefined || !accepted.ok ? {} : { counted: tenant };
}

function countChanges(
  { maxConcurrent: limit }: WorkflowConfig,
  existing: ExecutionRecord | undefined,
  record: ExecutionRecord,
): readonly Change[] {
  if (record.counted === undefined || existing?.counted !== undefined || limit === undefined) return [];
  return [{ item: 'openCount', tenant: record.counted, workflow: record.workflow, add: 1, limit }];
}

function commitOpened(
  ports: OpenPorts,
  config: WorkflowConfig,
  existing: ExecutionRecord | undefined,
  record: ExecutionRecord,
): Promise<boolean> {
  const { eventCount: _counted, ...set } = record;
  return ports.executions.commit({
    executionId: record.executionId,
    changes: [
      existing === undefined
        ? { item: 'execution', put: record }
        : {
            item: 'execution',
            set,
            expect: { status: 'starting', ending: { absent: true }, requester: existing.requester },
          },
      ...countChanges(config, existing, record),
    ],
    events: [
      buildEvent(ports, record, {
        type: 'workflow.started',
        actor: record.requester,
        data: {
          inputHash: record.inputHash,
          definitionHash: record.definitionHash ?? '',
          requester: record.requester,
        },
      }),
    ],
  });
}

/** The record exists and is not `starting`: this is a repeated call, or a name that was used again. */
async function answerAgain(
  ports: OpenPorts,
  event: OpenEvent,
  config: WorkflowConfig,
  record: ExecutionRecord,
): Promise<OpenAnswer> {
  if (Date.parse(record.startedAt) !== Date.parse(event.startedAt)) {
    return refusal({
      code: 'name_reused',
      message: `an execution ${record.executionId} was started at ${record.startedAt} already`,
    });
  }
  // While it is ending, its machine fails with the true reason. Once it has ended, this is a redrive.
  if (record.ending !== undefined && !isFinal(record.status)) return refusal(endingError(record));
  if (!isActive(record.status) || record.input === undefined) {
    return refusal({ code: 'execution_closed', message: `${record.executionId} is ${record.status}` });
  }
  const refs = pickRefs(await ports.blobs.get(record.executionId, record.input), config.inputRefs);
  await openBudget(ports, config, record);
  return answerOf(config, record.executionId, { ok: true, input: record.input, refs });
}

function invalidName(executionId: string): ErrorData {
  return {
    code: 'invalid_name',
    message: `"${executionId}" has characters that the name of an execution may not have`,
    fix: 'start the execution with a name of 1 to 80 of A-Z a-z 0-9 - _',
  };
}

function endingError({ executionId, ending }: ExecutionRecord): ErrorData {
  return (
    ending?.error ?? {
      code: 'execution_closed',
      message: `${executionId} is ending as ${ending?.status ?? 'failed'}: ${ending?.reason ?? ''}`,
    }
  );
}

function answerOf(config: WorkflowConfig, executionId: string, accepted: Accepted): OpenAnswer {
  if (!accepted.ok) return refusal(accepted.error);
  return {
    ok: true,
    state: {
      schema: SCHEMA,
      execution: { id: executionId },
      input: { ref: accepted.input, refs: accepted.refs },
      steps: Object.fromEntries(config.stepKeys.map((key) => [key, null])),
      step: null,
    },
    error: null,
  };
}

function refusal({ code, message }: ErrorData): OpenAnswer {
  return { ok: false, state: null, error: { code, message } };
}
