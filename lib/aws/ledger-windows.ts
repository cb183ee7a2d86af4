import type { Scope, ScopeState, Window, WindowScope } from '../budget/ledger.ts';
import type { NanoUsd } from '../budget/money.ts';
import type { Item } from './document-client.ts';
import type { Counting } from './ledger-counting.ts';
import { type Budgeted, windowsKey } from './ledger-keys.ts';

/**
 * The windows of a workflow or a tenant are one item, since every call changes its day and its month together. It has
 * two places for days and two for months, taken in turn: around midnight yesterday and today are both there, and a
 * window that comes takes the place of the one before the last, in which nothing is counted any more.
 */

export const WINDOWS = ['day', 'month'] as const satisfies readonly Window[];

const PLACES = ['day0', 'day1', 'month0', 'month1'] as const;
type Place = (typeof PLACES)[number];

const DAY_MS = 86_400_000;

/** Where the counts of a period are: those that follow each other are in different places. */
export function placeOf({ window, period }: Pick<WindowScope, 'window' | 'period'>): Place {
  if (window === 'day') return (Date.parse(period) / DAY_MS) % 2 === 0 ? 'day0' : 'day1';
  return Number(period.slice(5)) % 2 === 0 ? 'month0' : 'month1';
}

/** The names of the attributes of a place. */
export function fieldsOf(place: Place) {
  return {
    period: `${place}Period`,
    limit: `${place}Limit`,
    remaining: `${place}Remaining`,
    held: `${place}Held`,
    spent: `${place}Spent`,
    inflight: `${place}Inflight`,
    alertsAt: `${place}AlertsAt`,
  } as const;
}

/** The period that has the place of this one: its own, an earlier one, none, or (by a clock that is wrong) a later one. */
export function periodAt(item: Item, scope: WindowScope): string | undefined {
  const period = item[fieldsOf(placeOf(scope)).period];
  return typeof period === 'string' ? period : undefined;
}

/** The attributes of a window in its place; those that are undefined are not to be there. */
export function placeFields({ scope, ...state }: ScopeState<WindowScope>): Record<string, unknown> {
  const fields = fieldsOf(placeOf(scope));
  return {
    [fields.period]: scope.period,
    [fields.limit]: state.limit,
    [fields.remaining]: state.remaining,
    [fields.held]: state.held,
    [fields.spent]: state.spent,
    [fields.inflight]: state.inflight,
    [fields.alertsAt]: state.alertsAt,
  };
}

/** The windows that an item has. */
export function windowStates(item: Item): readonly ScopeState<WindowScope>[] {
  const subject = item.subject as Budgeted;
  return PLACES.flatMap((place) => {
    const fields = fieldsOf(place);
    const period = item[fields.period];
    if (typeof period !== 'string') return [];
    const window: Window = place.startsWith('day') ? 'day' : 'month';
    const money = (field: string) => item[field] as NanoUsd;
    return [
      {
        scope: { ...subject, window, period },
        ...(item[fields.limit] === undefined ? {} : { limit: money(fields.limit) }),
        remaining: money(fields.remaining),
        held: money(fields.held),
        spent: money(fields.spent),
        inflight: Number(item[fields.inflight]),
        ...(item[fields.alertsAt] === undefined ? {} : { alertsAt: item[fields.alertsAt] as readonly number[] }),
      },
    ];
  });
}

export function windowState(item: Item | undefined, scope: WindowScope): ScopeState | undefined {
  return item === undefined
    ? undefined
    : windowStates(item).find(({ scope: { window, period } }) => window === scope.window && period === scope.period);
}

/** What a hold, or its end, does to some windows of the same item. */
export function countInWindows(
  scopes: readonly WindowScope[],
  table: string,
  change: { readonly remaining: number; readonly held: number; readonly spent?: number; readonly inflight: number },
  takes: NanoUsd | undefined,
  set: Readonly<Record<string, unknown>>,
): Counting {
  const [first] = scopes;
  if (first === undefined) throw new RangeError('there are no windows to count in');
  const add: Record<string, number> = {};
  const says: Record<string, string> = {};
  const taken: Record<string, { readonly limit: string; readonly amount: number }> = {};
  for (const scope of scopes) {
    const fields = fieldsOf(placeOf(scope));
    says[fields.period] = scope.period;
    add[fields.remaining] = change.remaining;
    add[fields.held] = change.held;
    if (change.spent !== undefined) add[fields.spent] = change.spent;
    add[fields.inflight] = change.inflight;
    if (takes !== undefined) taken[fields.remaining] = { limit: fields.limit, amount: takes };
  }
  return { table, key: windowsKey(first), add, set, says, takes: taken };
}

/** The windows among scopes, by the item that they are in. */
export function windowsByItem(scopes: readonly Scope[]): readonly (readonly WindowScope[])[] {
  const windows = scopes.filter((scope): scope is WindowScope => 'window' in scope);
  return (['workflow', 'tenant'] as const)
    .map((kind) => windows.filter((scope) => scope.kind === kind))
    .filter((some) => some.length > 0);
}
