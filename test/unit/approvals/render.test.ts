import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { agentClaims } from '../../../lib/approvals/agent-claims.ts';
import { renderPayload } from '../../../lib/approvals/render.ts';
import type { LambdaPayload } from '../../../lib/execution/payload.ts';
import type { Json } from '../../../lib/json.ts';
import type { Template } from '../../../lib/workflow/template.ts';

const payload = (value: Json): LambdaPayload => ({
  schema: 1,
  kind: 'lambda',
  executionId: 'report:one',
  workflow: 'report',
  definitionHash: 'd'.repeat(64),
  path: 'delete',
  timeoutSeconds: 60,
  functionArn: 'arn:aws:lambda:us-east-1:123456789012:function:f:3',
  with: value,
});

describe('a rendering', () => {
  it('says what is invoked with what, how much, and what an agent wrote', () => {
    const text = renderPayload(payload({ ids: ['a', 'b'] }), [{ field: 'with.ids', step: 'plan' }]);
    expect(text.split('\n')).toEqual([
      'delete: invokes arn:aws:lambda:us-east-1:123456789012:function:f:3',
      'with:',
      '  {',
      '    "ids": [',
      '      "a",',
      '      "b"',
      '    ]',
      '  }',
      '! with.ids was written by the agent of plan',
      'with.ids has 2 entries',
    ]);
  });

  it('says how much of a long value is not shown, and how long its lists are', () => {
    const text = renderPayload(payload({ ids: Array.from({ length: 2000 }, (_, n) => `id-${n}`) }), []);
    expect(text.length).toBeLessThan(6_000);
    expect(text).toMatch(/… \d+ more characters; the payload hash covers all of them/);
    expect(text).toContain('with.ids has 2000 entries');
  });

  it('shows nothing that could change how it reads', () => {
    const hostile = 'rm \u202e\u2066x\u2069\u200b\u0007\u001b[2J\u2028\u{e0041}\ufe0f\u00ad end';
    expect(renderPayload(payload(hostile), [])).toContain('rm \\u{202e}\\u{2066}x\\u{2069}\\u{200b}\\u0007');
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (value) => {
        const lines = renderPayload(payload({ [value]: value }), [{ field: `with.${value}`, step: 'plan' }]).split(
          '\n',
        );
        for (const line of lines) expect(line).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
      }),
    );
  });
});

describe('what an agent wrote', () => {
  const ref = (step: string): Template => ({ ref: { source: { from: 'step', step }, path: ['x'] } });
  const isAgent = (step: string): boolean => step === 'plan';

  it('is every place that the output of a sandbox fills, however deep', () => {
    const template: Template = {
      object: {
        ids: ref('plan'),
        table: { ref: { source: { from: 'input' }, path: ['table'] } },
        exported: ref('export'),
        list: { list: [{ literal: 1 }, ref('plan')] },
        note: { text: [{ literal: 'for ' }, ref('plan'), ref('plan')] },
      },
    };
    expect(agentClaims({ with: template, subject: ref('plan') }, isAgent)).toEqual([
      { field: 'with.ids', step: 'plan' },
      { field: 'with.list[1]', step: 'plan' },
      { field: 'with.note', step: 'plan' },
      { field: 'subject', step: 'plan' },
    ]);
  });
});
