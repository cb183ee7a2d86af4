import { describe, expect, it } from 'vitest';
import retire from '../../docs/guides/examples/approved-step.ts';
import cleanUp from '../../docs/guides/examples/approved-value.ts';
import review from '../../docs/guides/examples/carried-workspace.ts';
import triage from '../../docs/guides/examples/every-step.ts';
import count from '../../docs/guides/examples/own-image.ts';
import { compileWorkflow } from '../../lib/compiler/compile.ts';

describe('the examples of the guides', () => {
  it.each([triage, review, count, retire, cleanUp])(
    'compile without a finding: $definition.name',
    ({ definition, findings }) => {
      expect(compileWorkflow(definition, findings)).toMatchObject({ ok: true });
    },
  );
});
