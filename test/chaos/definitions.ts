import { z } from 'zod';
import { compileWorkflow } from '../../lib/compiler/compile.ts';
import type { CompiledWorkflow } from '../../lib/compiler/compiled.ts';
import { group, gt, hours, minutes, seconds, usd, type Workflow, workflow } from '../../lib/index.ts';
import type { Json, JsonObject } from '../../lib/json.ts';
import type { WorkflowDefinition } from '../../lib/workflow/definition.ts';
import dataProcessor from '../../state-machines/data-processor/workflow.ts';
import hello from '../../state-machines/hello/workflow.ts';
import type { Chance } from './random.ts';

const note = z.object({ note: z.string() });
const agent = { image: 'python', command: ['act'], output: note } as const;
const owners = { from: [group('data-owners', 1)], within: hours(1), executeWithin: minutes(30) };

/** One act that can never be taken back, and asks before it. */
const gated = workflow('gated', { input: note, timeout: hours(3), maxConcurrent: 4 }, (w) => {
  const act = w.lambda('act', {
    function: './act.ts',
    with: { note: w.input.note },
    approval: owners,
    output: note,
    effects: 'irreversible',
  });
  return { note: act.output.note };
});

/** A gate of its own for what an agent has planned, two people, and the sandbox that may do only that. */
const confirming = workflow('confirming', { input: note, timeout: hours(4) }, (w) => {
  const plan = w.sandbox('plan', { ...agent, input: { note: w.input.note }, retry: { maxRetries: 3 } });
  const subject = { note: plan.output.note };
  const confirm = w.approval('confirm', { subject, ...owners, from: [group('data-owners', 2)] });
  const act = w.sandbox('act', { ...agent, input: subject, requires: confirm, effects: 'irreversible' });
  const told = w.lambda('tell', {
    function: './tell.ts',
    with: { note: act.output.note },
    output: note,
    effects: 'none',
  });
  return { note: act.output.note, told: told.output.note };
});

/** Branches beside each other, one of which waits, and a choice. */
const branching = workflow('branching', { input: z.object({ amount: z.number().int() }), timeout: hours(3) }, (w) => {
  const measure = w.lambda('measure', {
    function: './measure.ts',
    with: { amount: w.input.amount },
    output: z.object({ doubled: z.number(), pause: z.number().int().nonnegative() }),
    effects: 'none',
  });
  const { left, right } = w.parallel('sides', {
    left: () => w.sandbox('left-side', { ...agent, retry: { maxRetries: 4 } }),
    right: () => {
      w.wait('a-while', seconds(90));
      return w.lambda('right-side', {
        function: './right.ts',
        output: note,
        effects: 'reversible',
        idempotent: true,
        retry: { maxRetries: 4 },
      });
    },
  });
  w.wait('pause', measure.output.pause);
  w.when(
    'large',
    gt(measure.output.doubled, 10),
    () => w.sandbox('say-large', { ...agent, effects: 'compensatable' }),
    () => w.lambda('say-small', { function: './say.ts', output: note, effects: 'compensatable' }),
  );
  return { left: left.output.note, right: right.output.note, doubled: measure.output.doubled };
});

/** Two gates at the same time: silence means yes at the one, and no at the other. */
const beside = workflow('beside', { input: note, timeout: hours(2), maxConcurrent: 6 }, (w) => {
  const { lenient, strict } = w.parallel('both', {
    lenient: () =>
      w.sandbox('lenient', {
        ...agent,
        input: { note: w.input.note },
        effects: 'reversible',
        approval: { from: [group('data-owners', 1)], within: minutes(20), otherwise: 'approve' },
      }),
    strict: () =>
      w.lambda('strict', {
        function: './strict.ts',
        with: { note: w.input.note },
        output: note,
        effects: 'irreversible',
        idempotent: true,
        approval: { from: [group('data-owners', 1), group('security', 1)], within: minutes(40) },
      }),
  });
  return { lenient: lenient.output.note, strict: strict.output.note };
});

/**
 * A folder that is carried on, and less time than the rest needs when something is slow. Its money is enough for one
 * sandbox at its dearest, and a second one when the first was short.
 */
const hurried = workflow('hurried', { input: note, timeout: minutes(20), budget: { execution: usd(8) } }, (w) => {
  const made = w.sandbox('make', { ...agent, input: { note: w.input.note }, keepWorkspace: true });
  const used = w.sandbox('use', { ...agent, workspace: made.workspace, effects: 'compensatable', timeout: minutes(6) });
  return { note: used.output.note };
});

/** What an agent or a function answers; `mark` is of this one act. */
type Answers = { readonly [path: string]: (mark: string) => Json };

export interface Subject {
  readonly definition: WorkflowDefinition;
  readonly compiled: CompiledWorkflow;
  /** With the placeholders filled in that the functions read. */
  readonly document: JsonObject;
  readonly answers: Answers;
  /** Groups that people decide in. */
  input(mark: string, chance: Chance): Json;
}

const noted = (mark: string): Json => ({ note: mark });
const PLAN: Json = {
  ...{ asOf: '2026-01-01', cutoff: '2025-01-01', examined: 3, count: 1, bytes: 10, ids: ['a'], byKind: [] },
  ...{ kept: [], risk: 20, reasons: [] },
};

export const SUBJECTS: readonly Subject[] = [
  subject(hello, () => ({ name: 'Ada' }), { greet: (mark) => ({ message: mark }) }),
  subject(dataProcessor, () => ({}), {
    'export-records': () => ({ count: 0, records: [] }),
    'plan-cleanup': (mark) => ({ ...(PLAN as JsonObject), ids: [mark] }),
    'write-report': (mark) => ({ title: 'a report', markdown: mark }),
    'delete-old-records': (mark) => ({ deleted: 1, kept: [mark] }),
  }),
  subject(gated, noted, { act: noted }),
  subject(confirming, noted, { plan: noted, act: noted, tell: noted }),
  subject(branching, (_, chance) => ({ amount: chance.between(1, 10) }), {
    measure: (mark) => ({ doubled: mark.length % 2 === 0 ? 20 : 2, pause: 30 }),
    ...{ 'left-side': noted, 'right-side': noted, 'say-large': noted, 'say-small': noted },
  }),
  subject(beside, noted, { lenient: noted, strict: noted }),
  subject(hurried, noted, { make: noted, use: noted }),
];

export function subjectOf(workflowName: string): Subject {
  const found = SUBJECTS.find(({ definition }) => definition.name === workflowName);
  if (found === undefined) throw new Error(`there is no workflow ${workflowName}`);
  return found;
}

function subject({ definition, findings }: Workflow, input: Subject['input'], answers: Answers): Subject {
  const result = compileWorkflow(definition, findings);
  if (!result.ok) throw new Error(`${definition.name}: ${JSON.stringify(result.findings)}`);
  const { compiled } = result;
  const text = JSON.stringify(compiled.asl).replaceAll('${DefinitionHash}', compiled.definitionHash);
  return { definition, compiled, document: JSON.parse(text) as JsonObject, answers, input };
}
