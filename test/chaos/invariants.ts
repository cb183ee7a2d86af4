import { verifyChain } from '../../lib/audit/chain.ts';
import { computeCostOf } from '../../lib/budget/cost.ts';
import { computeHoldId } from '../../lib/budget/ledger.ts';
import { actingStepsOf, stepsOf } from '../../lib/compiler/steps-of.ts';
import { executionIdFromArn } from '../../lib/execution/identity.ts';
import type { AttemptRecord, ExecutionRecord } from '../../lib/execution/records.ts';
import { resolveTemplate } from '../../lib/execution/resolve-template.ts';
import { isFinal } from '../../lib/execution/status.ts';
import { canonicalJson, type Json } from '../../lib/json.ts';
import type { TaskState } from '../../lib/ports.ts';
import { SUBJECTS, subjectOf } from './definitions.ts';
import type { Act } from './ledger.ts';
import type { People } from './people.ts';
import type { Stream } from './stream.ts';
import type { World } from './world.ts';

/** The machine's own limit lies 10 minutes after that of the workflow, and `reconcile` looks every 5. */
const ENDED_WITHIN_MS = 9 * 60_000;
const UNCERTAIN = ['lost', 'runner_error', 'image_error', 'outcome_unknown'];
const END_EVENTS: { readonly [status: string]: string } = {
  succeeded: 'workflow.succeeded',
  failed: 'workflow.failed',
  cancelled: 'workflow.cancelled',
  timed_out: 'workflow.timed_out',
  rejected: 'workflow.rejected',
  budget_exceeded: 'workflow.budget_exceeded',
};

export interface Violation {
  readonly executionId: string;
  readonly message: string;
}

/** What must hold once everything has settled, whatever went wrong before. */
export async function violationsOf(world: World, people: People, stream: Stream): Promise<readonly Violation[]> {
  const found: Violation[] = [];
  const executionIds = new Set([
    ...people.started,
    ...world.machines.arns.map((arn) => executionIdFromArn(arn, 'dev')),
    ...world.executions.outbox().map(({ executionId }) => executionId),
  ]);
  const { items } = await world.executions.listExecutions({ tenant: 'default', limit: 10_000 });
  for (const { executionId } of items) executionIds.add(executionId);
  for (const executionId of executionIds) {
    const told = (message: string) => found.push({ executionId, message });
    const execution = await world.executions.getExecution(executionId);
    if (execution === undefined) told('was started, and nothing is recorded of it');
    else await checkExecution(world, execution, stream, told);
  }
  await checkPromises(world, people, found);
  await checkRest(world, found);
  await checkExpiries(world, found);
  checkOverdue(world, found);
  return [...found, ...world.executions.wrong];
}

type Told = (message: string) => void;

async function checkExecution(world: World, execution: ExecutionRecord, stream: Stream, told: Told): Promise<void> {
  const { executionId, status } = execution;
  if (!isFinal(status)) told(`is still ${status}`);
  if (execution.ending !== undefined && execution.ending.status !== status) {
    told(`was ending as ${execution.ending.status}, and is ${status}`);
  }
  checkPace(world, execution, told);
  if (execution.counted !== undefined) told('still counts as open');
  const machine = await world.machines.describe(execution.executionArn);
  if (machine?.status === 'RUNNING') told('has a machine that runs on');
  const attempts = await world.executions.listAttempts(executionId);
  const acts = world.ledger.filter((act) => act.executionId === executionId);
  for (const attempt of attempts) checkAttempt(attempt, actsOf(acts, attempt), told);
  for (const act of acts) {
    if (!attempts.some(({ path, attempt }) => path === act.path && attempt === act.attempt)) {
      told(`${act.path} ${act.attempt} acted without a record`);
    }
  }
  for (const lease of await world.executions.listLeases(executionId)) {
    const { path, attempt, status: held } = lease;
    if (held === 'offered' || held === 'claimed') told(`the lease of ${path} ${attempt} is still ${held}`);
  }
  await checkApprovals(world, execution, acts, told);
  checkSteps(execution, acts, told);
  await checkMoney(world, execution, attempts, told);
  if (status === 'succeeded') await checkSuccess(world, execution, attempts, acts, told);
  await checkEvents(world, execution, stream, told);
}

/** What is ending has ended soon after: nobody has to wait for a limit further out. */
function checkPace(world: World, { executionId, timeoutAt, endedAt }: ExecutionRecord, told: Told): void {
  const ended = Date.parse(endedAt ?? '');
  const inTime = (from: number) => !(ended - from > ENDED_WITHIN_MS) || world.hasLeapt(from - ENDED_WITHIN_MS, ended);
  if (!inTime(Date.parse(timeoutAt ?? ''))) told(`its time was over at ${timeoutAt}, and it ended at ${endedAt}`);
  const ending = world.executions.endingSince.get(executionId);
  if (ending !== undefined && !inTime(ending)) {
    told(`was to end at ${new Date(ending).toISOString()}, and ended at ${endedAt}`);
  }
}

function actsOf(acts: readonly Act[], { path, attempt }: AttemptRecord): readonly Act[] {
  return acts.filter((act) => act.path === path && act.attempt === attempt);
}

/** An attempt tells exactly what happened. */
function checkAttempt(record: AttemptRecord, acts: readonly Act[], told: Told): void {
  const { path, attempt, status, kind, claimedAt, exit, harmless } = record;
  const name = `${path} ${attempt} (${status})`;
  const [act] = acts;
  if (acts.length > 1) told(`${name} acted ${acts.length} times`);
  if (act !== undefined && claimedAt === undefined) told(`${name} acted without a claim`);
  if (act !== undefined && act.payloadHash !== record.payloadHash) told(`${name} did something else than was frozen`);
  if (['waiting_approval', 'prepared', 'running', 'exited'].includes(status)) told(`${name} is still open`);
  if (status === 'succeeded' && kind !== 'approval' && act?.outcome?.ok !== true) {
    told(`${name}, and ${act === undefined ? 'nobody acted' : 'what acted did not end well'}`);
  }
  const reported = exit !== undefined && !UNCERTAIN.includes(exit.reason);
  if (status === 'outcome_unknown') {
    if (claimedAt === undefined) told(`${name} was never claimed`);
    if (harmless) told(`${name} does no harm when it is repeated`);
    if (reported) told(`${name} has reported ${exit.reason}`);
  }
  if (act !== undefined && !harmless && status !== 'outcome_unknown' && !reported) {
    told(`${name} may have acted, and nothing says so`);
  }
  if (act !== undefined && !harmless && status === 'retried') told(`${name} was repeated although it acted`);
  if (exit?.reason === 'ok' && kind !== 'approval' && act?.outcome?.ok !== true)
    told(`${name} reports a success that was none`);
}

async function checkApprovals(
  world: World,
  { executionId }: ExecutionRecord,
  acts: readonly Act[],
  told: Told,
): Promise<void> {
  for (const approval of await world.executions.listApprovals(executionId)) {
    const { approvalId, status, claimedBy } = approval;
    if (status === 'pending') told(`${approvalId} is still pending`);
    const under = acts.filter((act) => act.approval?.approvalId === approvalId);
    if (under.length > 1) told(`${under.length} acts under ${approvalId}`);
    if (under.length > 0 && (status !== 'granted' || claimedBy === undefined))
      told(`an act under ${approvalId}: ${status}`);
  }
}

/** Nothing is held for ever but what nobody can know, and what ran is paid for exactly once. */
async function checkMoney(
  world: World,
  { executionId, budget }: ExecutionRecord,
  attempts: readonly AttemptRecord[],
  told: Told,
): Promise<void> {
  const { ledger } = world.money;
  for (const { holdId, state } of await ledger.listHolds(executionId))
    if (state === 'open') told(`${holdId} is still held`);
  if (budget === undefined) return;
  const tasks = world.sandboxes.all().filter(({ environment }) => environment.WFLO_EXECUTION === executionId);
  const entries = (await ledger.listEntries(executionId, { limit: 1000 })).items;
  const above = entries.filter(({ cost, held }) => cost > held);
  for (const { holdId, payer, cost, held } of above) {
    const { path, attempt } = payer;
    const hold = await ledger.getHold(executionId, holdId);
    const ends = tasks
      .filter(({ environment }) => environment.WFLO_STEP === path && environment.WFLO_ATTEMPT === String(attempt))
      .map(({ stoppedAt = '' }) => Date.parse(stoppedAt));
    // A leap of the clock is longer than any time limit.
    if (world.hasLeapt(Date.parse(hold?.createdAt ?? ''), Math.max(...ends))) continue;
    told(`${holdId} cost ${cost}, and ${held} was held`);
  }
  for (const task of tasks) {
    const attempt = attempts.find(
      ({ path, attempt: number }) =>
        path === task.environment.WFLO_STEP && String(number) === task.environment.WFLO_ATTEMPT,
    );
    if (attempt === undefined) told(`${task.taskArn} ran for no attempt`);
    else await checkPaid(world, attempt, task, told);
  }
  const totals = await ledger.attemptTotals(executionId);
  for (const { path, attempt: number, cost } of totals) {
    const attempt = attempts.find((one) => one.path === path && one.attempt === number);
    if (attempt?.costNanoUsd !== cost) told(`${path} ${number} cost ${cost}, and ${attempt?.costNanoUsd} was told`);
  }
  const scope = await ledger.getScope({ kind: 'execution', executionId });
  if (scope === undefined) return;
  if (scope.remaining !== (scope.limit ?? 0) - scope.spent - scope.held) told('its ledger does not add up');
  if (scope.limit !== undefined && scope.remaining < 0 && above.length === 0) told('has spent more than its budget');
}

async function checkPaid(world: World, attempt: AttemptRecord, task: TaskState, told: Told): Promise<void> {
  const { executionId, compute } = attempt;
  const name = `${attempt.path} ${attempt.attempt}`;
  const holdId = computeHoldId(attempt);
  const hold = await world.money.ledger.getHold(executionId, holdId);
  if (hold === undefined || compute === undefined) return told(`${name} ran, and nothing was held for it`);
  if (hold.state === 'unsettled') return;
  const { pullStartedAt, createdAt = '', stoppedAt = '' } = task;
  const neverPulled = pullStartedAt === undefined && task.stopCode === 'TaskFailedToStart';
  if (neverPulled || hold.state === 'released') {
    if (!neverPulled || hold.state !== 'released') told(`${name} ran, and its hold is ${hold.state}`);
    return;
  }
  const seconds = (Date.parse(stoppedAt) - Date.parse(pullStartedAt ?? createdAt)) / 1000;
  const { items } = await world.money.ledger.listEntries(executionId, { limit: 10_000 });
  const entry = items.find((one) => one.holdId === holdId);
  const cost = computeCostOf(compute.rates, compute, seconds);
  if (entry?.cost !== cost) told(`${name} cost ${cost}, and ${entry?.cost} was settled`);
}

/** By the definition: what needs an approval had it, and what cannot be taken back was done once. */
function checkSteps({ executionId, workflow }: ExecutionRecord, acts: readonly Act[], told: Told): void {
  for (const step of actingStepsOf(subjectOf(workflow).definition.body)) {
    const own = acts.filter(({ path }) => path === step.path);
    if (step.effects !== 'none' && !step.idempotent && own.length > 1) told(`${step.path} acted ${own.length} times`);
    if (step.approval === undefined && step.requires === undefined) continue;
    for (const { attempt, approval, at } of own) {
      const allowed = approval?.status === 'granted' && approval.claimedBy === `${step.path} ${attempt}`;
      if (!allowed) told(`${step.path} ${attempt} of ${executionId} acted at ${at} under ${JSON.stringify(approval)}`);
    }
  }
}

/** The output is what was really answered, and every step on the way has ended well. */
async function checkSuccess(
  world: World,
  execution: ExecutionRecord,
  attempts: readonly AttemptRecord[],
  acts: readonly Act[],
  told: Told,
): Promise<void> {
  const { executionId, workflow, input, output } = execution;
  const { definition } = subjectOf(workflow);
  const steps = new Map<string, Json>();
  for (const { path } of actingStepsOf(definition.body)) {
    const own = attempts.filter((attempt) => attempt.path === path);
    const last = own.at(-1);
    if (last === undefined) {
      if (!isOptional(workflow, path)) told(`succeeded without ${path}`);
      continue;
    }
    if (last.status !== 'succeeded') told(`succeeded, and ${path} ${last.attempt} is ${last.status}`);
    for (const { attempt, status } of own.slice(0, -1)) {
      if (status !== 'retried') told(`succeeded, and ${path} ${attempt} is ${status} before another attempt`);
    }
    const answered = actsOf(acts, last)[0]?.outcome?.output;
    if (answered !== undefined) steps.set(path, answered);
    const stored = last.output === undefined ? undefined : await world.blobs.get(executionId, last.output);
    if (canonicalJson(stored ?? null) !== canonicalJson(answered ?? null)) {
      told(`${path} is recorded with another output than it answered`);
    }
  }
  if (input === undefined || output === undefined) return told('succeeded without input or output');
  const given = await world.blobs.get(executionId, input);
  const expected = resolveTemplate(definition.output, { input: given, steps });
  const stored = await world.blobs.get(executionId, output);
  if (canonicalJson(stored) !== canonicalJson(expected)) told('succeeded with another output than its steps answered');
}

/** Below a choice. */
function isOptional(workflow: string, path: string): boolean {
  return stepsOf(subjectOf(workflow).definition.body).some(
    (step) => step.kind === 'when' && actingStepsOf([...step.then, ...step.otherwise]).some((one) => one.path === path),
  );
}

/** No event lost, none doubled, all published, the chain whole, and nothing after the end. */
async function checkEvents(world: World, execution: ExecutionRecord, stream: Stream, told: Told): Promise<void> {
  const { executionId, eventCount, status } = execution;
  const { items: records } = await world.audit.list(executionId, 0, 10_000);
  const verdict = verifyChain(records, eventCount);
  if (!verdict.ok) told(`its chain: ${verdict.problems.map(({ message }) => message).join('; ')}`);
  const written = world.executions.events(executionId).map(({ eventId }) => eventId);
  const chained = records.map(({ event }) => event.eventId);
  // Where `reconcile` is before the stream, it goes by the time that the writer has noted.
  const ordered = !stream.skipped.has(executionId) && !world.executions.misdated.has(executionId);
  if (ordered && chained.join() !== written.join()) {
    told('its chain has other events, or another order, than were written');
  }
  if (chained.toSorted().join() !== written.toSorted().join()) told('its chain has lost or doubled an event');
  const published = new Set(world.bus.published.map(({ event }) => event.eventId));
  for (const eventId of written) if (!published.has(eventId)) told(`the event ${eventId} was never published`);
  for (const { publishedAt, outboxId } of world.executions.outbox(executionId)) {
    if (publishedAt === undefined) told(`the outbox item ${outboxId} is not published`);
  }
  const types = world.executions.events(executionId).map(({ eventType }) => eventType);
  const ends = types.filter((type) => Object.values(END_EVENTS).includes(type));
  if (ends.length !== 1 || ends[0] !== END_EVENTS[status])
    told(`is ${status}, and its events say ${ends.join() || 'nothing'}`);
  // What a sandbox cost may be known when it is all over.
  const last = types.findLast((type) => type !== 'cost.settled');
  if (last !== END_EVENTS[status]) told(`${last} comes after its end`);
  const costs = world.executions.events(executionId).filter(({ eventType }) => eventType === 'cost.settled');
  const costed = costs.map(({ stepPath, attempt }) => `${stepPath} ${attempt}`);
  if (new Set(costed).size !== costed.length) told(`what it cost was told more than once: ${costed.join(', ')}`);
  const over = world.executions
    .events(executionId)
    .filter(({ eventType }) => /^step\.(succeeded|failed|retried|cancelled)$/.test(eventType))
    .map(({ stepPath, attempt }) => `${stepPath} ${attempt}`);
  if (new Set(over).size !== over.length) told(`a step ended more than once: ${over.join(', ')}`);
  const claims = world.executions.events(executionId).filter(({ eventType }) => eventType === 'sandbox.claimed');
  const claimed = claims.map(({ stepPath, attempt }) => `${stepPath} ${attempt}`);
  if (new Set(claimed).size !== claimed.length) told(`was claimed more than once: ${claimed.join(', ')}`);
}

/** What somebody was told stays so. */
async function checkPromises(world: World, people: People, found: Violation[]): Promise<void> {
  for (const { approvalId, personId, decision } of people.promised) {
    const approval = await world.executions.getApproval(approvalId);
    const executionId = approval?.executionId ?? approvalId;
    const vote = approval?.votes.find((one) => one.personId === personId);
    if (vote?.decision !== decision)
      found.push({ executionId, message: `${personId} was told that ${decision} counts, and it is not recorded` });
  }
}

/** As long as reconcile takes to tell a waiting state, with some of its runs lost. */
const TOLD_WITHIN_MS = 10 * 60_000;

/** Who has decided does not wait until the time of the request is over. */
async function checkExpiries(world: World, found: Violation[]): Promise<void> {
  for (const { executionId, path, at } of world.expiries) {
    const asked = (await world.executions.listApprovals(executionId)).findLast(
      (approval) => approval.path === path && Date.parse(approval.requestedAt) <= at,
    );
    if (asked === undefined || asked.votes.length === 0) continue;
    const decided = Date.parse(asked.decidedAt ?? '');
    if (world.hasLeapt(decided - TOLD_WITHIN_MS, at) || !(at - decided > TOLD_WITHIN_MS)) continue;
    const message = `${asked.approvalId} was decided at ${asked.decidedAt}, and its state was never told`;
    found.push({ executionId, message });
  }
}

/** A sandbox that gives no sign, or does not end, is stopped long before its step's own time is over. */
function checkOverdue(world: World, found: Violation[]): void {
  for (const { executionId, from, to } of world.sandboxes.overdue) {
    if (world.hasLeapt(from, to)) continue;
    found.push({
      executionId,
      message: `a task without a sign or without end ran on for ${Math.round((to - from) / 1000)} seconds`,
    });
  }
}

/** Of everything at once. */
async function checkRest(world: World, found: Violation[]): Promise<void> {
  const all = (message: string) => found.push({ executionId: 'everything', message });
  for (const { definition } of SUBJECTS) {
    const open = await world.executions.openCount('default', definition.name);
    if (open !== 0) all(`${open} executions of ${definition.name} count as open`);
  }
  for (const taskArn of await world.sandboxes.listRunning()) {
    const task = await world.sandboxes.describe(taskArn);
    found.push({ executionId: task?.environment.WFLO_EXECUTION ?? '', message: `the task ${taskArn} runs on` });
  }
  const never = new Date('2999-01-01T00:00:00.000Z');
  for (const item of ['execution', 'lease', 'approval'] as const) {
    for (const { executionId } of await world.executions.due(item, never, 10_000)) {
      found.push({ executionId, message: `reconcile looks at its ${item} for ever` });
    }
  }
}
