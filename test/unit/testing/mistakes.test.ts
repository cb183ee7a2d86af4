import { readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { group, hours, type Workflow, workflow } from '../../../lib/index.ts';
import { approvedBy, fails, testWorkflow, type WorkflowTest, WorkflowTestError } from '../../../lib/testing/index.ts';

const sample = workflow('sample', { input: z.object({}) }, (w) => {
  w.sandbox('plan', { image: 'python', command: ['run'] });
  w.wait('pause', hours(1));
  const gate = w.approval('confirm', { subject: {}, from: [group('data-owners', 1)], within: hours(1) });
  w.lambda('apply', { function: './f.ts', effects: 'irreversible', requires: gate });
});
const right: WorkflowTest = { steps: { plan: {}, apply: {} }, approvals: { confirm: approvedBy('ada') } };

/** As untyped code would write it. */
const wrong = (test: unknown, of: Workflow = sample) => testWorkflow(of, test as WorkflowTest);

describe('a test that is wrong', () => {
  it('is right without the mistakes below', async () => {
    expect((await testWorkflow(sample, right)).status).toBe('succeeded');
  });

  it.each<[string, object, RegExp]>([
    ['a step without a stub', { ...right, steps: { apply: {} } }, /"plan" began.*\n.*add to steps: 'plan'/],
    ['a gate without an answer', { ...right, approvals: {} }, /"confirm" was asked.*\n.*add to approvals: 'confirm'/],
    ['a stub of no step', { steps: { plam: {} } }, /no sandbox or lambda step "plam".*\n.*"plan", "apply"/],
    ['a stub of a wait', { steps: { pause: {} } }, /no sandbox or lambda step "pause"/],
    ['a stub of a gate', { steps: { confirm: {} } }, /"confirm" is a gate.*\n.*approvals/],
    [
      'an answer to no gate',
      { approvals: { plan: approvedBy('ada') } },
      /named "plan" asks for approval.*\n.*"confirm"/,
    ],
    ['an output without output', { steps: { plan: { rows: 1 } } }, /"plan" answered \{"rows":1\}.*\n.*\{ output: … \}/],
    ['an answer that is none', { steps: { plan: () => undefined } }, /"plan" answered undefined/],
    ['an output and a failure', { steps: { plan: { ...fails('killed'), output: 1 } } }, /"plan" answered/],
    ['a failure of functions', { steps: { plan: fails('function_failed') } }, /sandbox step, which cannot fail as/],
    ['a failure of sandboxes', { ...right, steps: { plan: {}, apply: fails('killed') } }, /lambda step.*\n.*"lost"/],
    ['a failure that only Wflo finds', { steps: { plan: { fails: 'no_output' } } }, /cannot fail as "no_output"/],
    [
      'an output that is no JSON',
      { steps: { plan: { output: 1n } } },
      /output of the stub of "plan" cannot be written/,
    ],
    ['an input that is no JSON', { input: { n: 1n } }, /the input cannot be written as JSON/],
    ['a duration that is none', { steps: { plan: { takes: 5 } } }, /"plan" takes no length of time/],
    ['a decision that is none', { ...right, approvals: { confirm: 'yes' } }, /approval of "confirm" is no answer/],
    ['a start that is no time', { start: new Date('tomorrow') }, /start is no time/],
    ['jitter of 1', { random: 1 }, /random is 1/],
  ])('says so: %s', async (_, test, message) => {
    await expect(wrong(test)).rejects.toThrow(WorkflowTestError);
    await expect(wrong(test)).rejects.toThrow(message);
  });

  it('says so of a delay that is none', () => {
    expect(() => approvedBy('ada').after(5 as never)).toThrow(/no length of time/);
  });

  it('says so of what is no workflow', async () => {
    await expect(wrong({}, {} as Workflow)).rejects.toThrow(/is no workflow/);
  });

  it('says so of a step or a request that the run does not have', async () => {
    const run = await testWorkflow(sample, right);
    expect(() => run.step('plam')).toThrow(/no step "plam".*\n.*"plan", "confirm", "apply"/);
    expect(() => run.approval('apply')).toThrow(/nobody was asked to approve "apply".*\n.*"confirm"/);
  });

  it('throws what a stub throws, so that a stub can hold expectations', async () => {
    const steps = {
      plan: () => {
        throw new TypeError('not what was expected');
      },
    };
    await expect(testWorkflow(sample, { steps })).rejects.toThrow(TypeError);
    const apply = async () => {
      throw new RangeError('nor this');
    };
    await expect(testWorkflow(sample, { ...right, steps: { plan: {}, apply } })).rejects.toThrow(RangeError);
  });
});

describe('a definition with findings', () => {
  it('is not run: all findings are told', async () => {
    const made = workflow('Sample', { input: z.object({}) }, (w) => {
      w.lambda('apply', { function: './f.ts', effects: 'irreversible' });
    });
    const run = testWorkflow(made, { steps: { apply: {} } });
    await expect(run).rejects.toMatchObject({
      code: 'invalid_definition',
      details: { findings: [{ code: 'invalid_name' }, { code: 'irreversible_without_approval' }] },
    });
    await expect(run).rejects.toThrow(/2 findings[\s\S]*\[invalid_name\][\s\S]*\[irreversible_without_approval\]/);
  });
});

describe('wflo/testing', () => {
  const root = resolve(import.meta.dirname, '../../..');

  /** Packages that a file loads, itself or by what it imports; types are not loaded. */
  function loaded(file: string, seen = new Set<string>()): Set<string> {
    if (seen.has(file)) return new Set();
    seen.add(file);
    const imports = readFileSync(file, 'utf8').matchAll(/^(?:import|export)\s+(?!type\b)[^;]*?from '([^']+)';/gm);
    const packages = new Set<string>();
    for (const [, target = ''] of imports) {
      const found = target.startsWith('.') ? loaded(join(dirname(file), target), seen) : [target];
      for (const name of found) packages.add(name);
    }
    return packages;
  }

  it('is what package.json says it is', () => {
    const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    expect(exports['./testing']).toBe('./lib/testing/index.ts');
  });

  it('loads no AWS, no network and no test framework', () => {
    const packages = [...loaded(join(root, 'lib/testing/index.ts'))];
    expect(packages).toContain('ajv/dist/2020.js');
    const outside =
      /^(@aws|aws-|constructs$|cdk-|vitest|hono|node:(net|tls|https?|http2|dns|dgram|child_process|fs|timers))/;
    expect(packages.filter((name) => outside.test(name))).toEqual([]);
  });

  it('keeps everything in memory: no file of it takes a timer or the time of this machine', () => {
    const seen = new Set<string>();
    loaded(join(root, 'lib/testing/index.ts'), seen);
    const own = [...seen].filter((file) => relative(root, file).startsWith('lib/testing/'));
    expect(own.length).toBeGreaterThan(10);
    const taken = own.filter((file) =>
      /setTimeout|Date\.now|new Date\(\)|Math\.random/.test(readFileSync(file, 'utf8')),
    );
    expect(taken).toEqual([]);
  });
});
