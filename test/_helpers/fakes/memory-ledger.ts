import type { WfloEvent } from '../../../lib/audit/events.ts';
import { decodeEntryPosition, decodeHoldPosition, encodePosition } from '../../../lib/aws/cursor.ts';
import {
  type AttemptTotal,
  type CostRow,
  computeHoldId,
  type ExecutionBudget,
  type Hold,
  type HoldRequest,
  hasRecord,
  type LedgerEntry,
  type ReserveResult,
  type Scope,
  type ScopeState,
  type Settlement,
  type SettleResult,
  type WindowLimits,
} from '../../../lib/budget/ledger.ts';
import {
  afterLimit,
  afterReserve,
  afterSettle,
  costRowOf,
  countsAgent,
  currentPeriods,
  entryOf,
  holdOf,
  limitOfWindow,
  minuteName,
  newScope,
  type Pace,
  raisedScope,
  rateBroken,
  refusalOf,
  sameLimits,
  scopeName,
  totalOf,
  unknownExecution,
} from '../../../lib/budget/ledger-rules.ts';
import { type NanoUsd, sumUsd, ZERO_USD } from '../../../lib/budget/money.ts';
import type { WfloError } from '../../../lib/errors.ts';
import type { LeaseRecord } from '../../../lib/execution/records.ts';
import type { Announcements, Budgets, Clock, Ledger, Page } from '../../../lib/ports.ts';

interface Options {
  readonly clock: Clock;
  /** Such as a `FakeExecutionStore`. Without it every lease is claimed under the epoch that is asked for. */
  readonly leases?: {
    getLease(
      executionId: string,
      path: string,
      attempt: number,
    ): Promise<Pick<LeaseRecord, 'status' | 'epoch'> | undefined>;
  };
}

export interface Announcement {
  readonly marker: string;
  readonly chainId: string;
  readonly events: readonly WfloEvent[];
}

/** The ledger in memory. Every change happens between two awaits, so none comes in between. */
export class MemoryLedger implements Ledger, Budgets, Announcements {
  readonly #clock: Clock;
  readonly #leases: Options['leases'];
  readonly #scopes = new Map<string, ScopeState>();
  readonly #holds = new Map<string, Hold>();
  /** When unsettled holds are looked up. */
  readonly #recordAt = new Map<string, string>();
  readonly #entries = new Map<string, LedgerEntry>();
  readonly #calling = new Map<string, number>();
  readonly #minutes = new Map<string, { readonly requests: number; readonly tokens: number }>();
  readonly #totals = new Map<string, { readonly executionId: string; readonly total: AttemptTotal }>();
  readonly #costs = new Map<string, { readonly tenant: string; readonly row: CostRow }>();
  readonly #limits = new Map<string, WindowLimits>();
  readonly #raises = new Set<string>();
  readonly #announced = new Map<string, Announcement>();
  /** While it is set, every method throws it: a ledger that is busy, or cannot be reached. */
  failure: WfloError | undefined;

  constructor({ clock, leases }: Options) {
    this.#clock = clock;
    this.#leases = leases;
  }

  async reserve(request: HoldRequest): Promise<ReserveResult> {
    this.#available();
    const fenced = await this.#isFenced(request);
    // Nothing below awaits.
    const { payer, amount, rate = {}, tokens = 0 } = request;
    const before = this.#holds.get(holdName(payer.executionId, request.holdId));
    if (before !== undefined) return { kind: 'held', hold: structuredClone(before) };
    if (fenced) return { kind: 'fenced' };
    const now = this.#clock.now();
    const agentLimit = this.#scopes.get(
      scopeName({ kind: 'agent', executionId: payer.executionId, agent: payer.agent }),
    )?.limit;
    const hold = holdOf(request, now, countsAgent(rate, agentLimit !== undefined));
    const states = hold.scopes.map((scope) => this.#scopeOrNew(scope));
    const task = this.#holds.get(holdName(payer.executionId, computeHoldId(payer)));
    const own = request.kind === 'call' && task?.state === 'open' ? task.amount : ZERO_USD;
    const refusal = refusalOf(states, amount, own);
    if (refusal !== undefined) return { kind: 'refused', refusal: structuredClone(refusal) };
    if (request.kind === 'call') {
      const limited = rateBroken(rate, this.#pace(request, now), tokens, now);
      if (limited !== undefined) return { kind: 'limited', ...limited };
      this.#count(request, now, tokens, hold);
    }
    for (const state of states) this.#scopes.set(scopeName(state.scope), afterReserve(state, amount));
    this.#holds.set(holdName(payer.executionId, hold.holdId), structuredClone(hold));
    return { kind: 'held', hold: structuredClone(hold) };
  }

  async settle(settlement: Settlement): Promise<SettleResult> {
    this.#available();
    const name = holdName(settlement.executionId, settlement.holdId);
    const hold = this.#holds.get(name);
    if (hold === undefined) return { kind: 'unknown' };
    if (hold.state === 'settled' || hold.state === 'released') {
      const entry = this.#entries.get(name);
      return { kind: 'already', ...(entry === undefined ? {} : { entry: structuredClone(entry) }) };
    }
    const entry = structuredClone(entryOf(hold, settlement, this.#clock.now()));
    this.#close(hold, 'settled', entry.cost);
    this.#entries.set(name, entry);
    this.#add(entry);
    return { kind: 'settled', entry: structuredClone(entry) };
  }

  async release(executionId: string, holdId: string): Promise<boolean> {
    this.#available();
    const hold = this.#openHold(executionId, holdId);
    if (hold === undefined) return false;
    this.#close(hold, 'released', ZERO_USD);
    return true;
  }

  async unsettle(executionId: string, holdId: string, reason: string): Promise<boolean> {
    this.#available();
    const hold = this.#openHold(executionId, holdId);
    if (hold === undefined) return false;
    this.#callEnds(hold);
    this.#holds.set(holdName(executionId, holdId), { ...hold, state: 'unsettled', reason });
    if (hasRecord(hold)) this.#recordAt.set(holdName(executionId, holdId), this.#clock.now().toISOString());
    return true;
  }

  async renew(executionId: string, holdId: string, expiresAt: string): Promise<boolean> {
    this.#available();
    const hold = this.#openHold(executionId, holdId);
    if (hold?.expiresAt === undefined) return false;
    this.#holds.set(holdName(executionId, holdId), { ...hold, expiresAt });
    return true;
  }

  async getHold(executionId: string, holdId: string): Promise<Hold | undefined> {
    this.#available();
    return structuredClone(this.#holds.get(holdName(executionId, holdId)));
  }

  async listHolds(executionId: string): Promise<readonly Hold[]> {
    this.#available();
    return this.#holdsWhere(
      (hold) => hold.payer.executionId === executionId && (hold.state === 'open' || hold.state === 'unsettled'),
      (hold) => hold.holdId,
    );
  }

  async expiredHolds(now: Date, limit: number): Promise<readonly Hold[]> {
    this.#available();
    const before = now.toISOString();
    return this.#holdsWhere(
      (hold) => hold.state === 'open' && hold.expiresAt !== undefined && hold.expiresAt < before,
      (hold) => hold.expiresAt ?? '',
    ).slice(0, limit);
  }

  async holdsToLookUp(now: Date, limit: number): Promise<readonly Hold[]> {
    this.#available();
    const dueAt = ({ payer, holdId }: Hold) => this.#recordAt.get(holdName(payer.executionId, holdId));
    return this.#holdsWhere(
      (hold) => (dueAt(hold) ?? '~') < now.toISOString(),
      (hold) => dueAt(hold) ?? '',
    ).slice(0, limit);
  }

  async lookUpAgain(executionId: string, holdId: string, at?: string): Promise<boolean> {
    this.#available();
    const name = holdName(executionId, holdId);
    if (!this.#recordAt.has(name)) return false;
    if (at === undefined) this.#recordAt.delete(name);
    else this.#recordAt.set(name, at);
    return true;
  }

  async unsettledHolds(
    tenant: string,
    query: { readonly limit: number; readonly cursor?: string },
  ): Promise<Page<Hold>> {
    this.#available();
    const after = query.cursor === undefined ? undefined : decodeHoldPosition(query.cursor);
    return pageOf(
      this.#holdsWhere((hold) => hold.state === 'unsettled' && hold.payer.tenant === tenant, holdPosition),
      holdPosition,
      query.limit,
      after,
    );
  }

  async openExecution(budget: ExecutionBudget): Promise<void> {
    this.#available();
    const { executionId, tenant, workflow, alertsAt } = budget;
    const execution: Scope = { kind: 'execution', executionId };
    if (this.#scopes.has(scopeName(execution))) return;
    this.#scopes.set(scopeName(execution), newScope(execution, budget.limit, alertsAt));
    for (const [agent, limit] of Object.entries(budget.agents)) {
      const scope: Scope = { kind: 'agent', executionId, agent };
      this.#scopes.set(scopeName(scope), newScope(scope, limit, alertsAt));
    }
    this.#setLimits(workflowName(tenant, workflow), budget.windows, (window, period) => ({
      kind: 'workflow',
      tenant,
      workflow,
      window,
      period,
    }));
  }

  async raise(raise: {
    readonly executionId: string;
    readonly agent?: string;
    readonly by: NanoUsd;
    readonly raiseId: string;
  }): Promise<ScopeState> {
    this.#available();
    const { executionId, agent, by, raiseId } = raise;
    const scope: Scope =
      agent === undefined ? { kind: 'execution', executionId } : { kind: 'agent', executionId, agent };
    if (!this.#scopes.has(scopeName({ kind: 'execution', executionId }))) throw unknownExecution(executionId);
    const state = this.#scopes.get(scopeName(scope));
    const name = `${executionId} ${raiseId}`;
    if (state !== undefined && this.#raises.has(name)) return structuredClone(state);
    const raised = raisedScope(state, scope, by);
    this.#scopes.set(scopeName(scope), raised);
    this.#raises.add(name);
    return structuredClone(raised);
  }

  async setTenantLimits(tenant: string, limits: WindowLimits): Promise<void> {
    this.#available();
    this.#setLimits(tenantName(tenant), limits, (window, period) => ({ kind: 'tenant', tenant, window, period }));
  }

  async getTenantLimits(tenant: string): Promise<WindowLimits> {
    this.#available();
    return structuredClone(this.#limits.get(tenantName(tenant)) ?? {});
  }

  async getScope(scope: Scope): Promise<ScopeState | undefined> {
    this.#available();
    return structuredClone(this.#scopes.get(scopeName(scope)));
  }

  async listScopes(executionId: string): Promise<readonly ScopeState[]> {
    this.#available();
    return [...this.#scopes.values()]
      .filter(({ scope }) => 'executionId' in scope && scope.executionId === executionId)
      .sort((a, b) => compare(agentOf(a.scope), agentOf(b.scope)))
      .map((state) => structuredClone(state));
  }

  async executionScopes(executionIds: readonly string[]): Promise<ReadonlyMap<string, ScopeState>> {
    this.#available();
    const found = new Map<string, ScopeState>();
    for (const executionId of executionIds) {
      const state = this.#scopes.get(scopeName({ kind: 'execution', executionId }));
      if (state !== undefined) found.set(executionId, structuredClone(state));
    }
    return found;
  }

  async attemptTotals(executionId: string): Promise<readonly AttemptTotal[]> {
    this.#available();
    return [...this.#totals.values()]
      .filter((stored) => stored.executionId === executionId)
      .map(({ total }) => ({ ...total }))
      .sort((a, b) => compare(a.path, b.path) || a.attempt - b.attempt);
  }

  async listEntries(
    executionId: string,
    query: { readonly limit: number; readonly cursor?: string },
  ): Promise<Page<LedgerEntry>> {
    this.#available();
    const after = query.cursor === undefined ? undefined : decodeEntryPosition(query.cursor);
    const entries = [...this.#entries.values()].filter(({ payer }) => payer.executionId === executionId);
    return pageOf(structuredClone(entries), entryPosition, query.limit, after);
  }

  async listCosts(tenant: string, days: { readonly from: string; readonly to: string }): Promise<readonly CostRow[]> {
    this.#available();
    return [...this.#costs.values()]
      .filter((stored) => stored.tenant === tenant)
      .map(({ row }) => ({ ...row }))
      .filter(({ day }) => day >= days.from && day <= days.to)
      .sort((a, b) => compare(costName(a), costName(b)));
  }

  async announceOnce(marker: string, chainId: string, events: readonly WfloEvent[]): Promise<boolean> {
    this.#available();
    if (this.#announced.has(marker)) return false;
    this.#announced.set(marker, structuredClone({ marker, chainId, events }));
    return true;
  }

  /** What was announced, in order. */
  announcements(): readonly Announcement[] {
    return structuredClone([...this.#announced.values()]);
  }

  /** Every scope there is. */
  scopes(): readonly ScopeState[] {
    return structuredClone([...this.#scopes.values()]);
  }

  #available(): void {
    if (this.failure !== undefined) throw this.failure;
  }

  /** A call whose lease is not claimed under the epoch of the request, or that names none. */
  async #isFenced({ kind, payer, leaseEpoch }: HoldRequest): Promise<boolean> {
    if (kind !== 'call') return false;
    if (leaseEpoch === undefined) return true;
    if (this.#leases === undefined) return false;
    const lease = await this.#leases.getLease(payer.executionId, payer.path, payer.attempt);
    return lease?.status !== 'claimed' || lease.epoch !== leaseEpoch;
  }

  #scopeOrNew(scope: Scope): ScopeState {
    const stored = this.#scopes.get(scopeName(scope));
    if (stored !== undefined) return stored;
    if (scope.kind === 'execution') throw unknownExecution(scope.executionId);
    if (scope.kind === 'agent') return newScope(scope, undefined, undefined);
    const limits =
      this.#limits.get(
        scope.kind === 'tenant' ? tenantName(scope.tenant) : workflowName(scope.tenant, scope.workflow),
      ) ?? {};
    return newScope(scope, limitOfWindow(limits, scope.window), limits.alertsAt);
  }

  #setLimits(name: string, limits: WindowLimits, scopeOf: (window: 'day' | 'month', period: string) => Scope): void {
    if (sameLimits(this.#limits.get(name) ?? {}, limits)) return;
    this.#limits.set(name, structuredClone(limits));
    for (const window of ['day', 'month'] as const) {
      for (const period of currentPeriods(window, this.#clock.now())) {
        const scope = scopeOf(window, period);
        const state = this.#scopes.get(scopeName(scope));
        if (state === undefined) continue;
        this.#scopes.set(scopeName(scope), afterLimit(state, limitOfWindow(limits, window), limits.alertsAt));
      }
    }
  }

  #openHold(executionId: string, holdId: string): Hold | undefined {
    const hold = this.#holds.get(holdName(executionId, holdId));
    return hold?.state === 'open' ? hold : undefined;
  }

  #close(hold: Hold, state: 'settled' | 'released', cost: NanoUsd): void {
    for (const scope of hold.scopes) {
      this.#scopes.set(scopeName(scope), afterSettle(this.#scopeOrNew(scope), hold.amount, cost));
    }
    if (hold.state === 'open') this.#callEnds(hold);
    this.#recordAt.delete(holdName(hold.payer.executionId, hold.holdId));
    this.#holds.set(holdName(hold.payer.executionId, hold.holdId), { ...hold, state });
  }

  #callEnds(hold: Hold): void {
    if (hold.kind !== 'call' || !isCounted(hold)) return;
    const agent = agentName(hold.payer);
    this.#calling.set(agent, (this.#calling.get(agent) ?? 0) - 1);
  }

  #pace({ payer }: HoldRequest, now: Date): Pace {
    const minute = this.#minutes.get(`${payer.executionId} ${minuteName(payer.agent, now)}`);
    return {
      calling: this.#calling.get(agentName(payer)) ?? 0,
      requests: minute?.requests ?? 0,
      tokens: minute?.tokens ?? 0,
    };
  }

  #count(request: HoldRequest, now: Date, tokens: number, hold: Hold): void {
    const { payer } = request;
    const pace = this.#pace(request, now);
    if (isCounted(hold)) this.#calling.set(agentName(payer), pace.calling + 1);
    this.#minutes.set(`${payer.executionId} ${minuteName(payer.agent, now)}`, {
      requests: pace.requests + 1,
      tokens: pace.tokens + tokens,
    });
  }

  #add(entry: LedgerEntry): void {
    const { executionId, tenant } = entry.payer;
    const total = totalOf(entry);
    const name = `${executionId} ${total.path} ${total.attempt}`;
    const stored = this.#totals.get(name)?.total;
    this.#totals.set(name, {
      executionId,
      total: {
        ...total,
        calls: total.calls + (stored?.calls ?? 0),
        cost: sumUsd(total.cost, stored?.cost ?? ZERO_USD),
      },
    });
    const row = costRowOf(entry);
    const costs = `${tenant} ${costName(row)}`;
    const before = this.#costs.get(costs)?.row;
    this.#costs.set(costs, {
      tenant,
      row: {
        ...row,
        calls: row.calls + (before?.calls ?? 0),
        cost: sumUsd(row.cost, before?.cost ?? ZERO_USD),
        inputTokens: row.inputTokens + (before?.inputTokens ?? 0),
        outputTokens: row.outputTokens + (before?.outputTokens ?? 0),
      },
    });
  }

  #holdsWhere(matches: (hold: Hold) => boolean, order: (hold: Hold) => string): readonly Hold[] {
    return structuredClone([...this.#holds.values()].filter(matches)).sort((a, b) => compare(order(a), order(b)));
  }
}

export function memoryLedger(options: Options): MemoryLedger {
  return new MemoryLedger(options);
}

function pageOf<R>(records: readonly R[], position: (record: R) => string, limit: number, after?: string): Page<R> {
  const matching = records
    .filter((record) => after === undefined || position(record) > after)
    .toSorted((a, b) => compare(position(a), position(b)));
  const items = matching.slice(0, limit);
  const last = items.at(-1);
  return matching.length > items.length && last !== undefined
    ? { items, cursor: encodePosition(position(last)) }
    : { items };
}

/** Whether its agent is counted by itself. */
function isCounted({ scopes }: Hold): boolean {
  return scopes.some(({ kind }) => kind === 'agent');
}

function holdName(executionId: string, holdId: string): string {
  return `${executionId} ${holdId}`;
}

function agentName({ executionId, agent }: Hold['payer']): string {
  return `${executionId} ${agent}`;
}

function agentOf(scope: Scope): string {
  return scope.kind === 'agent' ? scope.agent : '';
}

function tenantName(tenant: string): string {
  return `tenant ${tenant}`;
}

function workflowName(tenant: string, workflow: string): string {
  return `workflow ${tenant} ${workflow}`;
}

function costName({ day, workflow, agent, provider, model }: CostRow): string {
  return [day, workflow, agent, provider, model].join(' ');
}

function entryPosition({ settledAt, holdId }: LedgerEntry): string {
  return `${settledAt}#${holdId}`;
}

function holdPosition({ createdAt, payer, holdId }: Hold): string {
  return `${createdAt}#${payer.executionId}#${holdId}`;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
