import { WfloError } from '../errors.ts';
import type { Json } from '../json.ts';
import type {
  AttemptTotal,
  BudgetRefusal,
  CostRow,
  Hold,
  HoldRequest,
  LedgerEntry,
  Payer,
  RateLimits,
  Scope,
  ScopeState,
  Settlement,
  WindowLimits,
} from './ledger.ts';
import { minusUsd, type NanoUsd, nanoUsd, sumUsd, ZERO_USD } from './money.ts';
import { TOKEN_CLASSES, type TokenClass, type Usage } from './usage.ts';
import { endOfPeriod, minuteOf, periodOf, secondsToNextMinute } from './windows.ts';

/**
 * The arithmetic of the ledger, the same for every store. A store makes each of these changes in one transaction over
 * all scopes of a hold, or not at all.
 */

/** Every scope that money of this payer comes from at this moment, the narrowest first. */
export function scopesOf(payer: Payer, at: Date): readonly Scope[] {
  const { executionId, agent, tenant, workflow } = payer;
  const day = periodOf('day', at);
  const month = periodOf('month', at);
  return [
    { kind: 'execution', executionId },
    { kind: 'agent', executionId, agent },
    { kind: 'workflow', tenant, workflow, window: 'day', period: day },
    { kind: 'workflow', tenant, workflow, window: 'month', period: month },
    { kind: 'tenant', tenant, window: 'day', period: day },
    { kind: 'tenant', tenant, window: 'month', period: month },
  ];
}

/** A name that no other scope has. */
export function scopeName(scope: Scope): string {
  switch (scope.kind) {
    case 'execution':
      return `execution ${scope.executionId}`;
    case 'agent':
      return `agent ${scope.executionId} ${scope.agent}`;
    case 'workflow':
      return `workflow ${scope.tenant} ${scope.workflow} ${scope.window} ${scope.period}`;
    case 'tenant':
      return `tenant ${scope.tenant} ${scope.window} ${scope.period}`;
  }
}

/** A scope in which nothing happened yet. */
export function newScope<Of extends Scope>(
  scope: Of,
  limit: NanoUsd | undefined,
  alertsAt: readonly number[] | undefined,
): ScopeState<Of> {
  return {
    scope,
    ...(limit === undefined ? {} : { limit }),
    remaining: limit ?? ZERO_USD,
    held: ZERO_USD,
    spent: ZERO_USD,
    inflight: 0,
    ...(alertsAt === undefined || limit === undefined ? {} : { alertsAt }),
  };
}

/** The limit of the windows of a length. */
export function limitOfWindow(limits: WindowLimits, window: 'day' | 'month'): NanoUsd | undefined {
  return window === 'day' ? limits.daily : limits.monthly;
}

/** Whether the amount may be taken. A scope without a limit takes all that can still be counted. */
export function fits(state: Pick<ScopeState, 'limit' | 'remaining'>, amount: NanoUsd): boolean {
  return state.remaining >= (state.limit === undefined ? amount - Number.MAX_SAFE_INTEGER : amount);
}

/**
 * Why an amount is refused by scopes that it does not fit into, each as it was at one instant. `own`: what is held for
 * the task that asks, which is held for as long as it asks. One that would not fit even if nothing else were held comes
 * before one that might; of several, the one with the least left. Undefined where it fits everywhere. Throws `invalid_money` where a scope without a limit has spent as much as can be counted.
 */
export function refusalOf(
  states: readonly ScopeState[],
  needed: NanoUsd,
  own: NanoUsd = ZERO_USD,
): BudgetRefusal | undefined {
  const refusals = states.filter((state) => !fits(state, needed)).map((state) => refusalBy(state, needed, own));
  const exhausted = refusals.filter(({ code }) => code === 'budget_exhausted');
  return (exhausted.length > 0 ? exhausted : refusals).toSorted((a, b) => left(a) - left(b))[0];
}

function refusalBy({ scope, limit, spent, held }: ScopeState, needed: NanoUsd, own: NanoUsd): BudgetRefusal {
  if (limit === undefined) {
    throw new WfloError('invalid_money', `${scopeName(scope)} has spent as much as can be counted`, {
      fix: 'wait for the next period, or start another execution',
    });
  }
  return {
    code: minusUsd(limit, sumUsd(spent, own)) >= needed ? 'budget_held' : 'budget_exhausted',
    scope,
    limit,
    spent,
    held,
    needed,
    ...('window' in scope ? { resetsAt: endOfPeriod(scope.window, scope.period) } : {}),
  };
}

function left({ limit, spent, held }: BudgetRefusal): number {
  return minusUsd(minusUsd(limit, spent), held);
}

/** Takes the amount of a hold out of a scope. */
export function afterReserve(state: ScopeState, amount: NanoUsd): ScopeState {
  return {
    ...state,
    remaining: minusUsd(state.remaining, amount),
    held: sumUsd(state.held, amount),
    inflight: state.inflight + 1,
  };
}

/** Gives a hold back, and spends what it cost. `cost` 0 is a release. */
export function afterSettle(state: ScopeState, amount: NanoUsd, cost: NanoUsd): ScopeState {
  return {
    ...state,
    remaining: sumUsd(state.remaining, minusUsd(amount, cost)),
    held: minusUsd(state.held, amount),
    spent: sumUsd(state.spent, cost),
    inflight: state.inflight - 1,
  };
}

/** Another limit, or none: what was spent and is held stays. Below that, `remaining` is negative until the window ends. */
export function afterLimit(
  state: ScopeState,
  limit: NanoUsd | undefined,
  alertsAt: readonly number[] | undefined,
): ScopeState {
  const { limit: before, alertsAt: _, ...rest } = state;
  return {
    ...rest,
    ...(limit === undefined ? {} : { limit }),
    remaining: sumUsd(state.remaining, minusUsd(limit ?? ZERO_USD, before ?? ZERO_USD)),
    ...(alertsAt === undefined || limit === undefined ? {} : { alertsAt }),
  };
}

/** A scope whose limit is `by` more. Throws `invalid_budget` where there is none, or for an amount that adds nothing. */
export function raisedScope(state: ScopeState | undefined, scope: Scope, by: NanoUsd): ScopeState {
  if (state?.limit === undefined || by <= 0) {
    throw new WfloError('invalid_budget', `${scopeName(scope)} cannot be raised by ${by} nano-USD`, {
      fix: 'raise a budget that has a limit, by more than nothing',
    });
  }
  return afterLimit(state, sumUsd(state.limit, by), state.alertsAt);
}

/** Whatever asks of an execution that no budget was opened for. */
export function unknownExecution(executionId: string): WfloError {
  return new WfloError('unknown_execution', `no budget was opened for the execution ${executionId}`, {
    fix: 'check the id of the execution',
  });
}

/** The hold that a request asks for. Throws `invalid_money` for an amount below zero. */
export function holdOf(request: HoldRequest, at: Date): Hold {
  const { holdId, kind, payer, purpose, amount, expiresAt } = request;
  if (nanoUsd(amount) < 0) {
    throw new WfloError('invalid_money', `a hold of ${amount} nano-USD is below zero`, {
      fix: 'reserve the worst case, which is zero or more',
    });
  }
  return {
    holdId,
    kind,
    payer,
    purpose,
    amount,
    scopes: scopesOf(payer, at),
    state: 'open',
    createdAt: at.toISOString(),
    ...(expiresAt === undefined || kind === 'compute' ? {} : { expiresAt }),
  };
}

/** The entry of a hold that is settled. Throws `invalid_money` for a cost below zero. */
export function entryOf(hold: Hold, settlement: Settlement, at: Date): LedgerEntry {
  const { cost, source, usage, raw, reason, by } = settlement;
  if (nanoUsd(cost) < 0) {
    throw new WfloError('invalid_money', `a cost of ${cost} nano-USD is below zero`, {
      fix: 'settle what was spent, which is zero or more',
    });
  }
  return {
    holdId: hold.holdId,
    kind: hold.kind,
    payer: hold.payer,
    purpose: hold.purpose,
    held: hold.amount,
    cost,
    source,
    ...(usage === undefined ? {} : { usage }),
    ...(raw === undefined ? {} : { raw: bounded(raw) }),
    ...(reason === undefined ? {} : { reason }),
    ...(by === undefined ? {} : { by }),
    settledAt: at.toISOString(),
  };
}

const RAW_BYTES = 4096;

/** A settlement must not fail for what a provider says: of what is too long the length is kept. */
function bounded(raw: Json): Json {
  const bytes = Buffer.byteLength(JSON.stringify(raw));
  return bytes <= RAW_BYTES ? raw : { tooLong: bytes };
}

const OUTPUT: readonly TokenClass[] = ['output', 'outputAudio', 'outputImage'];

/** All tokens that a model read, and all that it wrote. */
export function tokensOf(usage: Usage | undefined): { readonly input: number; readonly output: number } {
  const sum = (classes: readonly TokenClass[]) =>
    classes.reduce((total, name) => total + (usage?.tokens[name] ?? 0), 0);
  return { input: sum(TOKEN_CLASSES.filter((name) => !OUTPUT.includes(name))), output: sum(OUTPUT) };
}

/** What one entry adds to the totals of its attempt. Compute costs, and is no call. */
export function totalOf({ kind, payer, cost }: LedgerEntry): AttemptTotal {
  return { path: payer.path, attempt: payer.attempt, calls: kind === 'call' ? 1 : 0, cost };
}

/** What one entry adds to the costs of its day. */
export function costRowOf({ kind, payer, purpose, cost, usage, settledAt }: LedgerEntry): CostRow {
  const { input, output } = tokensOf(usage);
  return {
    day: periodOf('day', new Date(settledAt)),
    workflow: payer.workflow,
    agent: payer.agent,
    provider: purpose.provider,
    model: purpose.model,
    calls: kind === 'call' ? 1 : 0,
    cost,
    inputTokens: input,
    outputTokens: output,
  };
}

/** What an agent has running, and what it asked for in the minute. */
export interface Pace {
  /** Calls whose hold is open. One that is `unsettled` has ended: it waits for nobody. */
  readonly calling: number;
  readonly requests: number;
  readonly tokens: number;
}

/** The bucket of requests and tokens of an agent in the minute of `at`. */
export function minuteName(agent: string, at: Date): string {
  return `${agent} ${minuteOf(at)}`;
}

/** The rate limit that one more call would break. */
export function rateBroken(
  rate: RateLimits,
  pace: Pace,
  tokens: number,
  at: Date,
): { readonly limit: keyof RateLimits; readonly retryAfterSeconds: number } | undefined {
  if (rate.concurrent !== undefined && pace.calling >= rate.concurrent) {
    return { limit: 'concurrent', retryAfterSeconds: 1 };
  }
  const retryAfterSeconds = secondsToNextMinute(at);
  if (rate.requestsPerMinute !== undefined && pace.requests >= rate.requestsPerMinute) {
    return { limit: 'requestsPerMinute', retryAfterSeconds };
  }
  if (rate.tokensPerMinute !== undefined && pace.tokens + tokens > rate.tokensPerMinute) {
    return { limit: 'tokensPerMinute', retryAfterSeconds };
  }
  return undefined;
}

/** Thresholds (thousandths of the limit) that what was spent has reached. */
export function reachedThresholds({ limit, spent, alertsAt = [] }: ScopeState): readonly number[] {
  if (limit === undefined || spent === 0) return [];
  return alertsAt.filter((threshold) => BigInt(spent) * 1000n >= BigInt(limit) * BigInt(threshold));
}

/** Clocks of two machines may differ by this much at the end of a window. */
const CLOCK_SKEW_MS = 5 * 60_000;

/** The periods that calls may be counted in around a moment: around midnight there are two. */
export function currentPeriods(window: 'day' | 'month', at: Date): readonly string[] {
  const soon = new Date(at.getTime() + CLOCK_SKEW_MS);
  return [...new Set([periodOf(window, at), periodOf(window, soon)])];
}

export function sameLimits(a: WindowLimits, b: WindowLimits): boolean {
  return a.daily === b.daily && a.monthly === b.monthly && (a.alertsAt ?? []).join() === (b.alertsAt ?? []).join();
}
