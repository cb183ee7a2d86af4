import { describe, expect, it } from 'vitest';
import { compileWorkflow } from '../../../lib/compiler/compile.ts';
import { findingText } from '../../../lib/compiler/findings.ts';
import type { Block, Condition, SandboxStep, WorkflowDefinition } from '../../../lib/workflow/definition.ts';
import type { Template } from '../../../lib/workflow/template.ts';
import { definition, inputRef, lambda, outputRef, sandbox } from '../../_helpers/workflow-samples.ts';

const inputSchema = {
  type: 'object',
  properties: {
    text: { type: 'string' },
    days: { type: 'integer', minimum: 0 },
    offset: { type: 'integer' },
    rate: { type: 'number' },
    on: { type: 'boolean' },
    list: { type: 'array', items: { type: 'string' } },
    withDefault: { type: 'number', default: 3 },
    optional: { type: 'number' },
    maybe: { type: ['number', 'null'] },
    mixed: { anyOf: [{ type: 'string' }, { type: 'number' }] },
    word: {
      anyOf: [
        { type: 'string', const: 'a' },
        { type: 'string', const: 'b' },
      ],
    },
    open: { type: 'object', additionalProperties: { type: 'number' } },
  },
  required: ['text', 'days', 'offset', 'rate', 'on', 'list', 'maybe', 'mixed', 'word', 'open'],
};
const outputSchema = { type: 'object', properties: { risk: { type: 'number' } }, required: ['risk'] };

function findingsOf(body: Block, fields: Partial<WorkflowDefinition> = {}): readonly string[] {
  const result = compileWorkflow(definition(body, { inputSchema, ...fields }), []);
  return result.ok ? [] : result.findings.map(({ code, path }) => `${code} ${path}`);
}

function when(path: string, condition: Condition, whenTrue: Block, otherwise: Block = []): Block[number] {
  // biome-ignore lint/suspicious/noThenProperty: the word for the block that runs when a condition holds
  return { kind: 'when', path, condition, then: whenTrue, otherwise };
}

const isOn: Condition = { op: 'eq', left: inputRef('on'), right: true };

describe('names', () => {
  it.each(['Plan', 'plan_it', '1st', 'plan--it', 'plan-', '-plan', 'plan.it', 'plän', ''])('refuse "%s"', (name) => {
    expect(findingsOf([sandbox(name)])).toEqual([`invalid_name sample/${name}`.replace(/\/$/, '')]);
    expect(findingsOf([sandbox('ok')], { name })).toEqual([`invalid_name ${name}`]);
  });

  it('have lengths that fit the names of states and machines', () => {
    expect(findingsOf([sandbox('a'.repeat(71))])).toEqual([]);
    expect(findingsOf([sandbox('a'.repeat(72))])).toEqual([`invalid_name sample/${'a'.repeat(72)}`]);
    expect(findingsOf([sandbox('ok')], { name: 'a'.repeat(40) })).toEqual([]);
    expect(findingsOf([sandbox('ok')], { name: 'a'.repeat(41) })).toEqual([`invalid_name ${'a'.repeat(41)}`]);
  });

  it('are also checked of images, agents and branches', () => {
    const body: Block = [
      sandbox('one', { image: 'Python 3', agent: 'The Planner' }),
      { kind: 'parallel', path: 'both', branches: { 'a b': [sandbox('two')], ok: [sandbox('three')] } },
    ];
    expect(findingsOf(body)).toEqual([
      'invalid_name sample/one.image',
      'invalid_name sample/one.agent',
      'invalid_name sample/both.a b',
    ]);
  });

  it('leave the input field of the execution options alone', () => {
    const reserved = { type: 'object', properties: { wflo: { type: 'string' } } };
    expect(findingsOf([sandbox('one')], { inputSchema: reserved })).toEqual(['invalid_name sample/input.wflo']);
  });

  it('are unique in the whole workflow, whatever the kind of step', () => {
    const body: Block = [
      sandbox('one'),
      when('check', isOn, [lambda('one')], [{ kind: 'wait', path: 'check', duration: { seconds: 1 } }]),
    ];
    expect(findingsOf(body)).toEqual(['duplicate_step sample/one', 'duplicate_step sample/check']);
  });
});

describe('blocks', () => {
  it('are not empty', () => {
    expect(findingsOf([])).toEqual(['empty_workflow sample']);
    const body: Block = [
      when('check', isOn, []),
      { kind: 'parallel', path: 'none', branches: {} },
      { kind: 'parallel', path: 'both', branches: { a: [], b: [sandbox('one')] } },
    ];
    expect(findingsOf(body)).toEqual([
      'empty_workflow sample/check',
      'empty_workflow sample/none',
      'empty_workflow sample/both',
    ]);
  });
});

describe('references', () => {
  const uses = (path: string, ref: ReturnType<typeof outputRef>) => sandbox(path, { input: { ref } });
  const made = (path: string) => sandbox(path, { outputSchema });

  it.each<[string, Block]>([
    ['a step before', [made('a'), uses('b', outputRef('a', 'risk'))]],
    ['a whole output', [made('a'), uses('b', outputRef('a'))]],
    ['a step before a `when`, inside it', [made('a'), when('w', isOn, [uses('b', outputRef('a', 'risk'))])]],
    ['a step of the same block', [when('w', isOn, [made('a'), uses('b', outputRef('a', 'risk'))])]],
    [
      'every branch of a parallel, after it',
      [
        { kind: 'parallel', path: 'p', branches: { x: [made('a')], y: [made('c')] } },
        uses('b', outputRef('a', 'risk')),
        uses('d', outputRef('c', 'risk')),
      ],
    ],
  ])('may name %s', (_what, body) => {
    expect(findingsOf(body)).toEqual([]);
  });

  it.each<[string, Block]>([
    ['a later step', [uses('b', outputRef('a', 'risk')), made('a')]],
    ['the step itself', [sandbox('b', { outputSchema, input: { ref: outputRef('b', 'risk') } })]],
    ['a step of a `when`, outside it', [when('w', isOn, [made('a')]), uses('b', outputRef('a', 'risk'))]],
    ['a step of the other block', [when('w', isOn, [made('a')], [uses('b', outputRef('a', 'risk'))])]],
    [
      'a step of a sibling branch',
      [{ kind: 'parallel', path: 'p', branches: { x: [made('a')], y: [uses('b', outputRef('a', 'risk'))] } }],
    ],
  ])('may not name %s', (_what, body) => {
    expect(findingsOf(body)).toEqual(['reference_may_not_have_run sample/b.input']);
  });

  it('name steps and fields that exist', () => {
    const body: Block = [
      made('a'),
      sandbox('silent'),
      uses('b', outputRef('a', 'nope')),
      uses('c', outputRef('silent')),
      uses('d', outputRef('nobody', 'risk')),
      uses('e', inputRef('text', 'length')),
      uses('f', inputRef('list', '0')),
      uses('g', inputRef('constructor')),
    ];
    expect(findingsOf(body)).toEqual(
      ['b', 'c', 'd', 'e', 'f', 'g'].map((path) => `unknown_reference sample/${path}.input`),
    );
  });

  it('say which fields there are', () => {
    const result = compileWorkflow(definition([made('a'), uses('b', outputRef('a', 'risc'))], { inputSchema }), []);
    expect(result.ok ? [] : result.findings).toMatchObject([{ fix: 'use one of: risk' }]);
  });

  it('may name any field of a record', () => {
    expect(findingsOf([uses('b', inputRef('open', 'anything'))])).toEqual([]);
  });

  it('are checked wherever they stand', () => {
    const bad: Template = { list: [{ object: { deep: { ref: inputRef('nope') } } }] };
    const text: Template = { text: [{ literal: 'x' }, { ref: inputRef('nope') }] };
    const body: Block = [
      sandbox('a', { command: [{ literal: 'run' }, text], env: { X: text }, input: bad }),
      lambda('b', { with: bad }),
      when('c', { op: 'not', condition: { op: 'and', conditions: [{ op: 'eq', left: inputRef('nope'), right: 1 }] } }, [
        sandbox('d'),
      ]),
      { kind: 'wait', path: 'e', duration: { secondsFrom: inputRef('nope') } },
    ];
    expect(findingsOf(body, { output: bad })).toEqual(
      ['a.command[1]', 'a.env.X', 'a.input', 'b.with', 'c.condition', 'e', 'output'].map(
        (place) => `unknown_reference sample/${place}`,
      ),
    );
  });

  it('are scalars where they become text', () => {
    const text: Template = { text: [{ ref: inputRef('list') }] };
    expect(
      findingsOf([sandbox('a', { command: [text], env: { OK: { text: [{ ref: inputRef('mixed') }] } } })]),
    ).toEqual(['not_a_scalar sample/a.command[0]']);
  });
});

describe('workspaces', () => {
  const keeps = (path: string, fields: Partial<SandboxStep> = {}) => sandbox(path, { keepWorkspace: true, ...fields });
  const takes = (path: string, workspaceFrom: string) => sandbox(path, { workspaceFrom });

  it.each<[string, Block]>([
    ['a step before', [keeps('a'), takes('b', 'a')]],
    ['one step, several times', [keeps('a'), takes('b', 'a'), takes('c', 'a')]],
    ['a chain', [keeps('a'), keeps('b', { workspaceFrom: 'a' }), takes('c', 'b')]],
    ['a step before a `when`, inside it', [keeps('a'), when('w', isOn, [takes('b', 'a')])]],
    [
      'a branch of a parallel, after it',
      [{ kind: 'parallel', path: 'p', branches: { x: [keeps('a')], y: [sandbox('c')] } }, takes('b', 'a')],
    ],
  ])('may be those of %s', (_what, body) => {
    expect(findingsOf(body)).toEqual([]);
  });

  it.each<[string, string, Block]>([
    ['a later step', 'reference_may_not_have_run', [takes('b', 'a'), keeps('a')]],
    ['the step itself', 'reference_may_not_have_run', [keeps('b', { workspaceFrom: 'b' })]],
    ['a step of a `when`, outside it', 'reference_may_not_have_run', [when('w', isOn, [keeps('a')]), takes('b', 'a')]],
    ['a step of the other block', 'reference_may_not_have_run', [when('w', isOn, [keeps('a')], [takes('b', 'a')])]],
    [
      'a step of a sibling branch',
      'reference_may_not_have_run',
      [{ kind: 'parallel', path: 'p', branches: { x: [keeps('a')], y: [takes('b', 'a')] } }],
    ],
    ['a step that keeps none', 'workspace_not_kept', [sandbox('a'), takes('b', 'a')]],
    ['a lambda step', 'workspace_not_kept', [lambda('a'), takes('b', 'a')]],
    ['a wait', 'unknown_reference', [{ kind: 'wait', path: 'a', duration: { seconds: 1 } }, takes('b', 'a')]],
    ['no step at all', 'unknown_reference', [takes('b', 'nobody')]],
  ])('may not be those of %s', (_what, code, body) => {
    expect(findingsOf(body)).toEqual([`${code} sample/b.workspace`]);
  });
});

describe('conditions', () => {
  const check = (condition: Condition) => findingsOf([when('check', condition, [sandbox('a')])]);

  it.each<[string, Condition]>([
    ['text', { op: 'ne', left: inputRef('text'), right: 'x' }],
    ['one of several words', { op: 'eq', left: inputRef('word'), right: 'a' }],
    ['a whole number with a number', { op: 'lt', left: inputRef('days'), right: inputRef('rate') }],
    ['a field with a default', { op: 'ge', left: inputRef('withDefault'), right: 1.5 }],
    ['booleans', { op: 'eq', left: inputRef('on'), right: false }],
  ])('compare %s', (_what, condition) => {
    expect(check(condition)).toEqual([]);
  });

  it.each<[string, Condition]>([
    ['a list', { op: 'eq', left: inputRef('list'), right: 'x' }],
    ['a field that may be absent', { op: 'lt', left: inputRef('optional'), right: 1 }],
    ['a field that may be null', { op: 'lt', left: inputRef('maybe'), right: 1 }],
    ['a field of two types', { op: 'eq', left: inputRef('mixed'), right: 'x' }],
    ['a number with text', { op: 'eq', left: inputRef('rate'), right: '3' }],
    ['the order of booleans', { op: 'lt', left: inputRef('on'), right: true }],
  ])('do not compare %s', (_what, condition) => {
    expect(check(condition)).toEqual(['not_a_scalar sample/check.condition']);
  });

  it('do not compare with text that would be a placeholder', () => {
    expect(check({ op: 'eq', left: inputRef('text'), right: '${FinishStepFn}' })).toEqual([
      'invalid_value sample/check.condition',
    ]);
  });
});

describe('waits', () => {
  const wait = (secondsFrom: ReturnType<typeof inputRef>) =>
    findingsOf([{ kind: 'wait', path: 'pause', duration: { secondsFrom } }]);

  it('take whole numbers of at least 0', () => {
    expect(wait(inputRef('days'))).toEqual([]);
    for (const field of ['offset', 'rate', 'text', 'optional'])
      expect(wait(inputRef(field))).toEqual(['not_a_scalar sample/pause']);
  });

  it.each([0, -1, 1.5, Number.NaN, 86_401])('refuse %d seconds', (seconds) => {
    expect(findingsOf([{ kind: 'wait', path: 'pause', duration: { seconds } }])).toEqual([
      'invalid_duration sample/pause',
    ]);
  });
});

describe('steps', () => {
  it.each<[string, Block[number], string]>([
    ['no command', sandbox('a', { command: [] }), 'invalid_command sample/a.command'],
    ['a size that Fargate lacks', sandbox('a', { cpu: 1, memoryMib: 512 }), 'invalid_sandbox_size sample/a.cpu'],
    [
      'a reserved variable',
      sandbox('a', { env: { WFLO_INPUT: { literal: 'x' } } }),
      'invalid_env sample/a.env.WFLO_INPUT',
    ],
    [
      'a reserved variable in lower case',
      sandbox('a', { env: { aws_profile: { literal: 'x' } } }),
      'invalid_env sample/a.env.aws_profile',
    ],
    [
      'a variable that leads to the gateway',
      sandbox('a', { env: { OPENAI_BASE_URL: { literal: 'https://api.example.com' } } }),
      'invalid_env sample/a.env.OPENAI_BASE_URL',
    ],
    [
      'a key of a provider',
      sandbox('a', { env: { ANTHROPIC_API_KEY: { literal: 'x' } } }),
      'invalid_env sample/a.env.ANTHROPIC_API_KEY',
    ],
    ['a malformed variable', sandbox('a', { env: { 'A B': { literal: 'x' } } }), 'invalid_env sample/a.env.A B'],
    [
      'a time limit beyond that of the workflow',
      sandbox('a', { timeoutSeconds: 86_401 }),
      'invalid_duration sample/a.timeout',
    ],
    ['a function that runs for 15 minutes', lambda('a', { timeoutSeconds: 900 }), 'invalid_duration sample/a.timeout'],
    ['too little memory for a function', lambda('a', { memoryMib: 64 }), 'invalid_function_size sample/a.memoryMib'],
    ['a folder outside', sandbox('a', { code: '../other' }), 'code_not_found sample/a.code'],
    ['an absolute folder', sandbox('a', { code: '/etc' }), 'code_not_found sample/a.code'],
    ['a hidden way out', lambda('a', { function: './x/../../f.ts' }), 'code_not_found sample/a.function'],
    [
      'a function without a version',
      lambda('a', { function: 'arn:aws:lambda:eu-west-1:123456789012:function:f' }),
      'code_not_found sample/a.function',
    ],
    [
      'irreversible effects',
      lambda('a', { effects: 'irreversible' }),
      'irreversible_without_approval sample/a.effects',
    ],
    [
      'too many retries',
      sandbox('a', { retry: { maxRetries: 11, initialDelaySeconds: 1, maxDelaySeconds: 1 } }),
      'invalid_retry sample/a.retry.maxRetries',
    ],
    [
      'a first delay of nothing',
      sandbox('a', { retry: { maxRetries: 1, initialDelaySeconds: 0, maxDelaySeconds: 1 } }),
      'invalid_retry sample/a.retry.initialDelay',
    ],
    [
      'a longest delay below the first',
      sandbox('a', { retry: { maxRetries: 1, initialDelaySeconds: 9, maxDelaySeconds: 8 } }),
      'invalid_retry sample/a.retry.maxDelay',
    ],
  ])('refuse %s', (_what, step, finding) => {
    expect(findingsOf([step])).toEqual([finding]);
  });

  it('name the nearest size that exists', () => {
    const result = compileWorkflow(definition([sandbox('a', { cpu: 1, memoryMib: 512 })]), []);
    expect(result.ok ? [] : result.findings).toMatchObject([{ fix: 'write cpu: 1, memoryMib: 2048' }]);
  });

  it('take the ARN of a published version', () => {
    expect(findingsOf([lambda('a', { function: 'arn:aws:lambda:eu-west-1:123456789012:function:f:7' })])).toEqual([]);
  });

  it.each([0, -5, 1.5, 31_536_000, Number.NaN])('refuse a workflow time limit of %d seconds', (timeoutSeconds) => {
    const findings = findingsOf([{ kind: 'wait', path: 'a', duration: { seconds: 1 } }], { timeoutSeconds });
    expect(findings).toEqual(['invalid_duration sample']);
  });
});

describe('limits', () => {
  it('bound the state', () => {
    // A text field that a condition reads may take 4 KiB of the state.
    const reading = (count: number): Block =>
      Array.from({ length: count }, (_, index) => [
        sandbox(`step-${index}`, { outputSchema: { type: 'string' } }),
        when(`check-${index}`, { op: 'eq', left: outputRef(`step-${index}`), right: 'x' }, [
          { kind: 'wait', path: `wait-${index}`, duration: { seconds: 1 } },
        ]),
      ]).flat();
    const result = compileWorkflow(definition(reading(30)), []);
    expect(result.ok ? result.compiled.stateBytes : result.findings).toBeLessThanOrEqual(200 * 1024);
    expect(findingsOf(reading(40))).toEqual(['state_too_large sample']);
  });

  it('bound what a handler gets, and name the step', () => {
    const long = sandbox('long', { input: { literal: 'x'.repeat(170 * 1024) } });
    expect(findingsOf([sandbox('a'), long])).toEqual(['state_too_large sample/long']);
  });

  it('bound the document', () => {
    const wide = (path: string) => sandbox(path, { input: { literal: 'x'.repeat(100 * 1024) } });
    expect(findingsOf(['a', 'b', 'c', 'd', 'e'].map(wide))).toEqual(['definition_too_large sample']);
  });

  it('bound the history', () => {
    const waits = (count: number): Block =>
      Array.from({ length: count }, (_, index) => ({ kind: 'wait', path: `w${index}`, duration: { seconds: 1 } }));
    expect(findingsOf(waits(7000))).toEqual([]);
    expect(findingsOf(waits(7600))).toEqual(['history_too_long sample']);
  });
});

it('gathers all findings at once, those of the author first', () => {
  const prior = { code: 'reference_in_text', path: 'sample/a', reason: 'r', fix: 'f' } as const;
  const result = compileWorkflow(
    definition([sandbox('A', { cpu: 3 }), sandbox('b', { input: { ref: inputRef('x') } })]),
    [prior],
  );
  expect(result.ok ? [] : result.findings.map(({ code }) => code)).toEqual([
    'reference_in_text',
    'invalid_name',
    'invalid_sandbox_size',
    'unknown_reference',
  ]);
});

it('is told as place, reason, code and fix', () => {
  expect(findingText({ code: 'invalid_env', path: 'w/s.env.X', reason: 'it is wrong', fix: 'write Y' })).toBe(
    'w/s.env.X: it is wrong [invalid_env]\n  fix: write Y',
  );
});
