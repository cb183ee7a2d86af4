import { describe, expect, it } from 'vitest';
import triage from '../../docs/guides/examples/every-step.ts';
import { compileWorkflow } from '../../lib/compiler/compile.ts';

describe('the example of the authoring guide', () => {
  it('compiles without a finding', () => {
    expect(compileWorkflow(triage.definition, triage.findings)).toMatchObject({ ok: true });
  });
});
