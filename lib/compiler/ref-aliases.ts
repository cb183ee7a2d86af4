import type { RefAlias } from '../execution/machine.ts';
import { stateKey } from '../execution/machine.ts';
import type { Block } from '../workflow/definition.ts';
import type { RefData, RefSource } from '../workflow/template.ts';
import { refsOfCondition, stepsOf } from './steps-of.ts';

const ALIAS_LENGTH = 40;

/** The scalars that ASL itself reads, with the names under which the state holds them. */
export interface RefAliases {
  ofInput(): readonly RefAlias[];
  ofStep(path: string): readonly RefAlias[];
  /** JSONPath of a reference that a condition or a wait uses. */
  jsonPath(ref: RefData): string;
}

export function refAliases(body: Block): RefAliases {
  const bySource = new Map<string, RefAlias[]>();
  const aliasesOf = (source: RefSource) => bySource.get(sourceKey(source)) ?? [];
  for (const step of stepsOf(body)) {
    const refs =
      step.kind === 'when'
        ? refsOfCondition(step.condition)
        : step.kind === 'wait' && 'secondsFrom' in step.duration
          ? [step.duration.secondsFrom]
          : [];
    for (const ref of refs) {
      const known = aliasesOf(ref.source);
      if (known.some(({ path }) => samePath(path, ref.path))) continue;
      const alias = uniqueAlias(ref.path, new Set(known.map((entry) => entry.alias)));
      bySource.set(sourceKey(ref.source), [...known, { alias, path: ref.path }]);
    }
  }
  return {
    ofInput: () => aliasesOf({ from: 'input' }),
    ofStep: (step) => aliasesOf({ from: 'step', step }),
    jsonPath(ref) {
      const found = aliasesOf(ref.source).find(({ path }) => samePath(path, ref.path));
      const holder = ref.source.from === 'input' ? '$.input' : `$.steps.${stateKey(ref.source.step)}`;
      return `${holder}.refs.${found?.alias ?? ''}`;
    },
  };
}

/** A readable name of `A-Za-z0-9_` only: field names are text of a user and never become JSONPath. */
function uniqueAlias(path: readonly string[], taken: ReadonlySet<string>): string {
  const readable = path
    .join('_')
    .replaceAll(/[^A-Za-z0-9_]/g, '_')
    .slice(0, ALIAS_LENGTH);
  const base = /^[A-Za-z]/.test(readable) ? readable : `value${readable}`;
  let alias = base;
  for (let count = 2; taken.has(alias); count += 1) alias = `${base}_${count}`;
  return alias;
}

function sourceKey(source: RefSource): string {
  return source.from === 'input' ? '' : source.step;
}

function samePath(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((key, index) => key === right[index]);
}
