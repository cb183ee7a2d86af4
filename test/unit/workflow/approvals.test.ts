import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { compileWorkflow } from '../../../lib/compiler/compile.ts';
import {
  group,
  hours,
  minutes,
  type TemplateValue,
  text,
  type Workflow,
  type WorkflowBuilder,
  type WorkflowOptions,
  workflow,
} from '../../../lib/index.ts';

const input = z.object({ name: z.string(), ids: z.array(z.string()) });
type Builder = WorkflowBuilder<z.output<typeof input>>;

function define(
  build: (w: Builder) => TemplateValue | undefined,
  options: Partial<WorkflowOptions<typeof input>> = {},
): Workflow {
  return workflow('sample', { input, ...options }, build);
}

/** All findings, those of the calls and those of the compiler. */
function codes(made: Workflow): readonly string[] {
  const result = compileWorkflow(made.definition, made.findings);
  return result.ok ? [] : result.findings.map(({ code, path }) => `${code} ${path}`);
}

const step = { image: 'python', command: ['run'] } as const;
const asked = { from: [group('data-owners', 1)], within: hours(4) };

describe('an approval of a step', () => {
  it('is data, with every default filled in', () => {
    const made = define((w) => {
      w.sandbox('agent', { ...step, approval: asked });
      w.lambda('act', {
        function: './f.ts',
        effects: 'reversible',
        approval: {
          from: [group('data-owners', 2), group('security', 1)],
          notRequester: false,
          within: minutes(90),
          executeWithin: minutes(5),
          otherwise: 'approve',
        },
      });
    });
    expect(codes(made)).toEqual([]);
    expect(made.definition.body).toMatchObject([
      {
        approval: {
          from: [{ group: 'data-owners', min: 1 }],
          notRequester: true,
          withinSeconds: 14_400,
          executeWithinSeconds: 1800,
          otherwise: 'reject',
        },
      },
      {
        approval: {
          from: [
            { group: 'data-owners', min: 2 },
            { group: 'security', min: 1 },
          ],
          notRequester: false,
          withinSeconds: 5400,
          executeWithinSeconds: 300,
          otherwise: 'approve',
        },
      },
    ]);
    expect(JSON.parse(JSON.stringify(made.definition))).toEqual(made.definition);
  });

  it('is absent from the data where there is none', () => {
    const { definition } = define((w) => void w.sandbox('agent', step));
    expect(definition.body[0]).not.toHaveProperty('approval');
    expect(definition.body[0]).not.toHaveProperty('requires');
    expect(definition).not.toHaveProperty('maxConcurrent');
  });
});

describe('a gate', () => {
  it('is a step of its own, which a later one requires', () => {
    const made = define((w) => {
      const gate = w.approval('confirm', { ...asked, subject: { ids: w.input.ids } });
      w.lambda('act', {
        function: './f.ts',
        effects: 'irreversible',
        with: { ids: w.input.ids },
        requires: gate,
      });
    });
    expect(codes(made)).toEqual([]);
    expect(made.definition.body).toMatchObject([
      {
        kind: 'approval',
        path: 'confirm',
        subject: { object: { ids: { ref: { source: { from: 'input' }, path: ['ids'] } } } },
        approval: { from: [{ group: 'data-owners', min: 1 }], withinSeconds: 14_400 },
      },
      { path: 'act', requires: 'confirm' },
    ]);
    expect(JSON.parse(JSON.stringify(made.definition))).toEqual(made.definition);
  });

  it('is no value: what uses one as such is found', () => {
    const made = define((w) => {
      const gate = w.approval('confirm', { ...asked, subject: 1 });
      const value = gate as unknown as TemplateValue & object;
      w.sandbox('a', { ...step, input: { gate: value }, requires: gate });
      w.sandbox('b', { ...step, env: { GATE: value as never } });
      w.sandbox('c', { ...step, command: ['echo', `${String(gate)}/x`] });
      w.sandbox('d', { ...step, command: ['echo', text`${value as never}`] });
      w.when('e', { op: 'eq', left: value, right: 1 } as never, () => void w.sandbox('f', step));
      return { value };
    });
    expect(codes(made)).toEqual([
      'invalid_value sample/a.input.gate',
      'invalid_value sample/b.env.GATE',
      'invalid_value sample/d.command[1]',
      'invalid_value sample/e.condition',
      'invalid_value sample/output.value',
      'reference_in_text sample/c.command[1]',
    ]);
    expect(made.findings[0]).toMatchObject({
      reason: expect.stringContaining('the gate "confirm"'),
      fix: expect.stringContaining('the option `requires`'),
    });
    expect(made.findings.at(-1)?.fix).toContain('the option `requires`');
  });

  it('is one of the same workflow, and nothing else', () => {
    let other: unknown;
    define((w) => {
      other = w.approval('confirm', { ...asked, subject: 1 });
    });
    const made = define((w) => {
      const kept = w.sandbox('kept', { ...step, keepWorkspace: true });
      const gate = w.approval('confirm', { ...asked, subject: 1 });
      w.sandbox('a', { ...step, requires: other as never });
      w.sandbox('b', { ...step, requires: 'confirm' as never });
      w.sandbox('c', { ...step, requires: w.input.name as never });
      w.sandbox('d', { ...step, requires: kept.workspace as never });
      w.sandbox('e', { ...step, requires: null as never });
      w.sandbox('f', { ...step, workspace: gate as never, requires: gate });
    });
    expect(codes(made)).toEqual([
      'unknown_reference sample/a.requires',
      'invalid_value sample/b.requires',
      'invalid_value sample/c.requires',
      'invalid_value sample/d.requires',
      'invalid_value sample/e.requires',
      'invalid_value sample/f.workspace',
    ]);
  });
});

describe('a wrong approval is a finding, one for each mistake, and never throws', () => {
  const wrong = (approval: unknown) =>
    define((w) => void w.sandbox('agent', { ...step, approval: { ...asked, ...(approval as object) } }));

  it.each<[string, unknown, string]>([
    ['no groups', { from: [] }, 'invalid_approval sample/agent.approval.from'],
    ['no list of groups', { from: 'data-owners' }, 'invalid_approval sample/agent.approval.from'],
    ['nobody to ask', { from: undefined }, 'invalid_approval sample/agent.approval.from'],
    ['a group by its name alone', { from: ['data-owners'] }, 'invalid_approval sample/agent.approval.from[0]'],
    [
      'a group without a name',
      { from: [group(undefined as never, 1)] },
      'invalid_approval sample/agent.approval.from[0]',
    ],
    ['nobody of a group', { from: [group('a', 0)] }, 'invalid_approval sample/agent.approval.from[0]'],
    ['more than a group can have', { from: [group('a', 501)] }, 'invalid_approval sample/agent.approval.from[0]'],
    ['half a person', { from: [group('a', 1.5)] }, 'invalid_approval sample/agent.approval.from[0]'],
    ['less than nobody', { from: [group('a', -1)] }, 'invalid_approval sample/agent.approval.from[0]'],
    ['as many as a text says', { from: [group('a', '2' as never)] }, 'invalid_approval sample/agent.approval.from[0]'],
    ['an unknown number', { from: [group('a', undefined as never)] }, 'invalid_approval sample/agent.approval.from[0]'],
    [
      'a group twice',
      { from: [group('a', 1), group('b', 1), group('a', 2)] },
      'invalid_approval sample/agent.approval.from[2]',
    ],
    ['a name of another shape', { from: [group('Data Owners', 1)] }, 'invalid_name sample/agent.approval.from[0]'],
    ['a name that is too long', { from: [group('a'.repeat(65), 1)] }, 'invalid_name sample/agent.approval.from[0]'],
    ['no time limit', { within: undefined }, 'invalid_approval sample/agent.approval.within'],
    ['a time limit that is none', { within: '4h' }, 'invalid_duration sample/agent.approval.within'],
    ['no time', { within: hours(0) }, 'invalid_duration sample/agent.approval.within'],
    ['less than no time', { within: hours(-1) }, 'invalid_duration sample/agent.approval.within'],
    ['parts of seconds', { within: { seconds: 1.5 } }, 'invalid_duration sample/agent.approval.within'],
    ['longer than the workflow', { within: hours(25) }, 'invalid_duration sample/agent.approval.within'],
    ['no time to act', { executeWithin: hours(0) }, 'invalid_duration sample/agent.approval.executeWithin'],
    [
      'less than no time to act',
      { executeWithin: minutes(-5) },
      'invalid_duration sample/agent.approval.executeWithin',
    ],
    [
      'more than a year to act',
      { executeWithin: hours(365 * 24 + 1) },
      'invalid_duration sample/agent.approval.executeWithin',
    ],
    ['another word than reject', { otherwise: 'ignore' }, 'invalid_approval sample/agent.approval.otherwise'],
    ['a word for true', { notRequester: 'yes' }, 'invalid_approval sample/agent.approval.notRequester'],
  ])('%s', (_what, approval, finding) => {
    const made = wrong(approval);
    expect(codes(made)).toEqual([finding]);
  });

  it.each<[string, unknown]>([
    ['true', true],
    ['null', null],
    ['a text', 'data-owners'],
    ['a list', [group('a', 1)]],
    ['a reference', 'reference'],
    ['a gate', 'gate'],
  ])('%s instead of one', (_what, given) => {
    const made = define((w) => {
      const gate = w.approval('confirm', { ...asked, subject: 1 });
      w.sandbox('after', { ...step, requires: gate });
      const approval = given === 'reference' ? w.input : given === 'gate' ? gate : given;
      w.sandbox('agent', { ...step, approval: approval as never });
    });
    expect(codes(made)).toEqual(['invalid_approval sample/agent.approval']);
  });

  it('also of a gate of its own', () => {
    const made = define((w) => {
      const none = w.approval('none', undefined as never);
      const bare = w.approval('bare', { subject: undefined } as never);
      w.sandbox('a', { ...step, requires: none });
      w.sandbox('b', { ...step, requires: bare });
    });
    expect(codes(made)).toEqual([
      'invalid_approval sample/none',
      'invalid_value sample/bare.subject',
      'invalid_approval sample/bare.within',
      'invalid_approval sample/bare.from',
    ]);
  });

  it('and a reference in the name of a group is found where it stands', () => {
    const made = wrong({ from: [group('x', 1)] });
    expect(codes(made)).toEqual([]);
    const inName = define((w) => {
      w.sandbox('agent', { ...step, approval: { ...asked, from: [group(`owners-of-${w.input.name}`, 1)] } });
    });
    expect(codes(inName)).toContain('reference_in_text sample/agent.approval.from[0]');
  });

  it('with what to write instead', () => {
    for (const made of [wrong({ from: [] }), wrong({ within: undefined }), wrong({ otherwise: 'x' })]) {
      const result = compileWorkflow(made.definition, made.findings);
      const [finding] = result.ok ? [] : result.findings;
      expect(finding?.reason).not.toBe('');
      expect(finding?.fix).toMatch(/^write /);
    }
  });
});

describe('the bound of open executions', () => {
  const bounded = (maxConcurrent: unknown) =>
    define((w) => void w.sandbox('agent', step), { maxConcurrent: maxConcurrent as number });

  it('is data', () => {
    expect(bounded(3).definition.maxConcurrent).toBe(3);
    expect(codes(bounded(3))).toEqual([]);
  });

  it.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, '3', null, Symbol('3')])('is not %s', (given) => {
    expect(codes(bounded(given))).toEqual(['invalid_value sample/maxConcurrent']);
  });
});
