import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  and,
  days,
  eq,
  hours,
  isWorkflow,
  lt,
  minutes,
  not,
  or,
  seconds,
  type TemplateValue,
  text,
  type Workflow,
  type WorkflowBuilder,
  workflow,
} from '../../../lib/index.ts';
import { refsOf } from '../../../lib/workflow/template.ts';

const input = z.object({
  name: z.string().default('World'),
  count: z.number().int().nonnegative(),
  flag: z.boolean(),
  nested: z.object({ 'odd key': z.string() }),
});
type Builder = WorkflowBuilder<z.output<typeof input>>;

/** A workflow of which only the definition matters. */
function define(build: (w: Builder) => TemplateValue | undefined): Workflow {
  return workflow('sample', { input }, build);
}

function codes(made: Workflow): readonly string[] {
  return made.findings.map(({ code, path }) => `${code} ${path}`);
}

const step = { image: 'python', command: ['run'] } as const;

describe('a definition', () => {
  it('holds the calls as data, with every default filled in', () => {
    const made = define((w) => {
      w.sandbox('agent', step);
      w.lambda('function', { function: './f.ts', effects: 'reversible' });
      w.wait('pause', minutes(2));
    });
    expect(made.findings).toEqual([]);
    expect(made.definition).toMatchObject({ name: 'sample', timeoutSeconds: 24 * 60 * 60, output: { literal: null } });
    expect(made.definition.body).toEqual([
      {
        kind: 'sandbox',
        path: 'agent',
        image: 'python',
        command: [{ literal: 'run' }],
        cpu: 0.25,
        memoryMib: 512,
        env: {},
        input: { literal: {} },
        keepWorkspace: false,
        effects: 'none',
        idempotent: false,
        retry: { maxRetries: 2, initialDelaySeconds: 2, maxDelaySeconds: 60 },
        timeoutSeconds: 600,
      },
      {
        kind: 'lambda',
        path: 'function',
        function: './f.ts',
        with: { literal: {} },
        memoryMib: 256,
        effects: 'reversible',
        idempotent: false,
        retry: { maxRetries: 2, initialDelaySeconds: 2, maxDelaySeconds: 60 },
        timeoutSeconds: 60,
      },
      { kind: 'wait', path: 'pause', duration: { seconds: 120 } },
    ]);
  });

  it('is JSON: it survives being written and read', () => {
    const { definition } = define((w) => {
      const agent = w.sandbox('agent', { ...step, output: z.object({ risk: z.number() }), env: { N: w.input.name } });
      w.when('risky', lt(agent.output.risk, 30), () => w.wait('pause', w.input.count));
      return { risk: agent.output.risk };
    });
    expect(JSON.parse(JSON.stringify(definition))).toEqual(definition);
  });

  it('keeps defaults of the input, which may then be absent', () => {
    expect(define((w) => void w.sandbox('agent', step)).definition.inputSchema).toMatchObject({
      properties: { name: { type: 'string', default: 'World' } },
      required: ['count', 'flag', 'nested'],
    });
  });

  it('is known as a workflow, and nothing else is', () => {
    expect(isWorkflow(define((w) => void w.sandbox('agent', step)))).toBe(true);
    expect(isWorkflow({ definition: {}, findings: [] })).toBe(false);
  });
});

it('counts durations in seconds', () => {
  expect([seconds(5), minutes(2), hours(3), days(1)].map((duration) => duration.seconds)).toEqual([
    5, 120, 10_800, 86_400,
  ]);
});

describe('references', () => {
  it('become data in templates, at any depth, and leave literals alone', () => {
    const { definition } = define((w) => {
      const agent = w.sandbox('agent', { ...step, output: z.object({ list: z.array(z.string()) }) });
      return { a: [1, w.input.nested['odd key']], b: { c: agent.output }, d: { e: [true, null, 'x'] } };
    });
    expect(definition.output).toEqual({
      object: {
        a: { list: [{ literal: 1 }, { ref: { source: { from: 'input' }, path: ['nested', 'odd key'] } }] },
        b: { object: { c: { ref: { source: { from: 'step', step: 'agent' }, path: [] } } } },
        d: { literal: { e: [true, null, 'x'] } },
      },
    });
  });

  it('are known by identity: data that looks like one stays data', () => {
    const lookalike = { ref: { source: { from: 'input' }, path: ['name'] } };
    const { definition, findings } = define((w) => {
      w.sandbox('agent', { ...step, input: { a: lookalike, text: ['x'], literal: 1 } });
    });
    expect(findings).toEqual([]);
    const [agent] = definition.body;
    expect(agent).toMatchObject({ input: { literal: { a: lookalike, text: ['x'], literal: 1 } } });
    expect(agent?.kind === 'sandbox' && refsOf(agent.input)).toEqual([]);
  });

  it('keep keys that mean something to JavaScript', () => {
    const { definition } = define((w) => {
      w.sandbox('agent', step);
      return JSON.parse('{"__proto__":{"a":1},"constructor":2}');
    });
    expect(JSON.stringify(definition.output)).toBe('{"literal":{"__proto__":{"a":1},"constructor":2}}');
  });

  it('become text by the tag, and in commands and env also alone', () => {
    const { definition } = define((w) => {
      w.sandbox('agent', {
        image: 'node',
        command: ['run', text`--name=${w.input.name}!`, w.input.count, 3],
        env: { F: w.input.flag },
      });
    });
    const ref = (name: string) => ({ ref: { source: { from: 'input' }, path: [name] } });
    expect(definition.body[0]).toMatchObject({
      command: [
        { literal: 'run' },
        { text: [{ literal: '--name=' }, ref('name'), { literal: '!' }] },
        { text: [ref('count')] },
        { literal: '3' },
      ],
      env: { F: { text: [ref('flag')] } },
    });
  });
});

describe('blocks', () => {
  it('nest by callbacks', () => {
    const { definition } = define((w) => {
      w.when(
        'outer',
        and(eq(w.input.flag, true), or(not(eq(w.input.name, 'x')), lt(w.input.count, 3))),
        () => {
          w.parallel('both', { left: () => void w.sandbox('l', step), right: () => w.wait('r', seconds(1)) });
        },
        () => void w.sandbox('other', step),
      );
      w.sandbox('after', step);
    });
    expect(definition.body).toMatchObject([
      {
        kind: 'when',
        condition: {
          op: 'and',
          conditions: [{ op: 'eq' }, { op: 'or', conditions: [{ op: 'not' }, { op: 'lt', right: 3 }] }],
        },
        // biome-ignore lint/suspicious/noThenProperty: the word for the block that runs when a condition holds
        then: [{ kind: 'parallel', branches: { left: [{ path: 'l' }], right: [{ path: 'r' }] } }],
        otherwise: [{ path: 'other' }],
      },
      { path: 'after' },
    ]);
  });

  it('hand the outputs of parallel branches to what comes after', () => {
    const { definition } = define((w) => {
      const both = w.parallel('both', {
        left: () => w.sandbox('l', { ...step, output: z.string() }),
        right: () => void w.wait('r', seconds(1)),
      });
      return both.left.output;
    });
    expect(definition.output).toEqual({ ref: { source: { from: 'step', step: 'l' }, path: [] } });
  });
});

describe('findings', () => {
  it('are one for each reference that became text, with its place', () => {
    const made = define((w) => {
      w.sandbox('agent', {
        image: 'python',
        command: ['run', `--name=${w.input.name}`],
        env: { A: 'x'.concat(`${w.input.flag}`) },
      });
      return { text: `${w.input.count}` };
    });
    expect(codes(made)).toEqual([
      'reference_in_text sample/agent.command[1]',
      'reference_in_text sample/agent.env.A',
      'reference_in_text sample/output.text',
    ]);
    expect(made.findings[0]?.reason).toContain('input.name');
  });

  it.each<[string, (w: Builder) => unknown]>([
    ['JSON.stringify', (w) => JSON.stringify(w.input)],
    ['String', (w) => String(w.input.name)],
    ['toString', (w) => w.input.name.toString()],
    ['arithmetic', (w) => Number(w.input.count) + 1],
  ])('tell of a reference that became text by %s, even where the text is not used', (_how, misuse) => {
    const made = define((w) => {
      misuse(w);
      w.sandbox('agent', step);
    });
    expect(made.findings.map(({ code }) => code)).toContain('reference_in_text');
  });

  it.each<[string, (w: Builder) => unknown]>([
    ['spread', (w) => ({ ...w.input })],
    ['iterated', (w) => [...(w.input as unknown as string[])]],
    ['listed', (w) => Object.keys(w.input)],
  ])('tell of a reference that was %s', (_how, misuse) => {
    const made = define((w) => {
      misuse(w);
      w.sandbox('agent', step);
    });
    expect(codes(made)).toEqual(['invalid_value sample']);
  });

  it('tell of a function that throws, and keep what came before', () => {
    const made = define((w) => {
      w.lambda('first', { function: './f.ts' } as never);
      (w.input.name as unknown as () => void)();
    });
    expect(codes(made)).toEqual(['effects_not_declared sample/first.effects', 'invalid_definition sample']);
    expect(made.definition.body).toHaveLength(1);
  });

  it.each<[string, unknown]>([
    ['a function', () => 1],
    ['a date', new Date(0)],
    ['a promise', Promise.resolve(1)],
    ['not a number', Number.NaN],
    ['a bigint', 1n],
    ['a class instance', new (class Thing {})()],
  ])('tell of %s in a value', (_what, value) => {
    const made = define((w) => {
      w.sandbox('agent', { ...step, input: { a: [value as never] } });
    });
    expect(codes(made)).toEqual(['invalid_value sample/agent.input.a[0]']);
  });

  it('tell of a value that contains itself', () => {
    const circle: { self?: never } = {};
    circle.self = circle as never;
    expect(codes(define((w) => void w.sandbox('agent', { ...step, input: circle })))).toEqual([
      'invalid_value sample/agent.input.self',
    ]);
  });

  it('tell of a reference of another workflow', () => {
    let foreign: unknown;
    define((w) => {
      foreign = w.input.name;
    });
    const made = define((w) => void w.sandbox('agent', { ...step, input: foreign as string }));
    expect(codes(made)).toEqual(['unknown_reference sample/agent.input']);
  });

  it.each<[string, unknown]>([
    ['a boolean', true],
    ['a reference', 'reference'],
    ['and() of nothing', and()],
    ['a literal left side', { op: 'eq', left: 'a', right: 'a' }],
    ['a list as right side', 'list'],
  ])('tell of %s as a condition', (_what, condition) => {
    const made = define((w) => {
      const given =
        condition === 'reference' ? w.input.flag : condition === 'list' ? eq(w.input.name, [] as never) : condition;
      w.when('check', given as never, () => w.wait('pause', seconds(1)));
      w.sandbox('agent', step);
    });
    expect(codes(made)).toEqual(['invalid_value sample/check.condition']);
  });

  it.each<[string, z.ZodType]>([
    ['a date', z.object({ at: z.date() })],
    ['a transform', z.object({ at: z.string().transform((value) => value.length) })],
    ['a refine', z.object({ at: z.string().refine((value) => value !== '') })],
    ['a trim', z.object({ at: z.string().trim() })],
    ['a catch', z.object({ at: z.string().catch('x') })],
    ['a custom schema', z.object({ at: z.custom<string>() })],
  ])('tell of %s, which JSON Schema cannot express', (_what, output) => {
    const made = define((w) => {
      const agent = w.sandbox('agent', { ...step, output });
      return agent.output;
    });
    expect(new Set(codes(made))).toEqual(new Set(['schema_not_representable sample/agent.output']));
  });

  it('tell of untyped mistakes instead of throwing', () => {
    const made = workflow(undefined as never, { input: z.string() as never, timeout: 5 as never }, (w) => {
      w.sandbox('agent', { image: 'python', command: 'python agent.py' as never, timeout: '5m' as never });
      w.lambda('function', { function: './f.ts', effects: 'all' as never });
      w.when('check', eq((w.input as never as { a: never }).a, 1 as never), undefined as never);
    });
    expect(codes(made)).toEqual([
      'schema_not_representable undefined/input',
      'invalid_command undefined/agent.command',
      'effects_not_declared undefined/function.effects',
      'invalid_value undefined/check',
    ]);
    expect(made.definition.timeoutSeconds).toBeNaN();
  });
});

describe('workspaces', () => {
  it('are kept and named as data', () => {
    const { definition, findings } = define((w) => {
      const clone = w.sandbox('clone', { ...step, keepWorkspace: true });
      w.sandbox('build', { ...step, workspace: clone.workspace });
    });
    expect(findings).toEqual([]);
    expect(definition.body).toMatchObject([
      { path: 'clone', keepWorkspace: true },
      { path: 'build', keepWorkspace: false, workspaceFrom: 'clone' },
    ]);
    expect(definition.body[0]).not.toHaveProperty('workspaceFrom');
  });

  it('are no values: what uses one as such is found', () => {
    const made = define((w) => {
      const { workspace } = w.sandbox('clone', { ...step, keepWorkspace: true });
      const value = workspace as unknown as TemplateValue & object;
      w.sandbox('a', { ...step, input: { folder: value } });
      w.sandbox('b', { ...step, env: { FOLDER: value as never } });
      w.sandbox('c', { ...step, command: ['ls', `${String(workspace)}/x`] });
      w.sandbox('d', { ...step, input: JSON.stringify({ value }) });
      w.when('e', { op: 'eq', left: value, right: 1 } as never, () => undefined);
      return { ...value, value };
    });
    expect(codes(made)).toEqual([
      'invalid_value sample/a.input.folder',
      'invalid_value sample/b.env.FOLDER',
      'invalid_value sample/e.condition',
      'invalid_value sample/output.value',
      'reference_in_text sample/c.command[1]',
      'reference_in_text sample/d.input',
    ]);
    expect(made.findings[0]).toMatchObject({ reason: expect.stringContaining('the workspace of "clone"') });
    expect(made.findings[4]?.fix).toContain('the option `workspace`');
  });

  it('are those of steps of the same workflow, and nothing else', () => {
    let other: unknown;
    define((w) => {
      other = w.sandbox('clone', { ...step, keepWorkspace: true }).workspace;
    });
    const made = define((w) => {
      w.sandbox('a', { ...step, workspace: other as never });
      w.sandbox('b', { ...step, workspace: 'clone' as never });
      w.sandbox('c', { ...step, workspace: w.input.name as never });
      w.sandbox('d', { ...step, keepWorkspace: 'yes' as never });
    });
    expect(codes(made)).toEqual([
      'unknown_reference sample/a.workspace',
      'invalid_value sample/b.workspace',
      'invalid_value sample/c.workspace',
      'invalid_value sample/d.keepWorkspace',
    ]);
  });
});
