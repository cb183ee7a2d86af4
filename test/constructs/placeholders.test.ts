import { App, Stack } from 'aws-cdk-lib';
import { describe, expect, it } from 'vitest';
import { functionName } from '../../lib/constructs/agent-workflow/function-name.ts';
import { placeholdersOf, resourcesOf } from '../../lib/constructs/agent-workflow/placeholders.ts';

const stack = new Stack(new App(), 'Stack', { env: { account: '111122223333', region: 'eu-west-1' } });
const values = { ExecutionRoles: ['arn:a', 'arn:b'] };

describe('placeholders', () => {
  it('are found once each, sorted', () => {
    expect(placeholdersOf("'${SandboxSubnets}' ${A_1} ${SandboxSubnets} $.x ${}")).toEqual(['A_1', 'SandboxSubnets']);
  });

  it('become all their values in a permission', () => {
    expect(resourcesOf(stack, '${ExecutionRoles}', values)).toEqual(['arn:a', 'arn:b']);
  });

  it('leave literal ARNs in the account and region of the stack', () => {
    const [arn] = resourcesOf(stack, 'arn:aws:events:*:*:rule/Name', values);
    expect(stack.resolve(arn)).toEqual({
      'Fn::Join': ['', ['arn:', { Ref: 'AWS::Partition' }, ':events:eu-west-1:111122223333:rule/Name']],
    });
    expect(resourcesOf(stack, '*', values)).toEqual(['*']);
  });

  it.each(['${Unknown}', 'arn:aws:lambda:::${ExecutionRoles}'])(
    'fail where nothing stands for them: %s',
    (resource) => {
      expect(() => resourcesOf(stack, resource, values)).toThrow(
        expect.objectContaining({ code: 'internal', message: expect.stringContaining(resource) }),
      );
    },
  );
});

describe('names of functions of workflows', () => {
  it('say stage, workflow and step', () => {
    expect(functionName('dev', 'step', 'data-processor', 'export-records')).toBe('step-data-processor-export-records');
  });

  it('fit into what Lambda allows', () => {
    const name = functionName('abcdefghijklmnop', 'setup', 'w'.repeat(40), 's'.repeat(40));
    expect(`wflo-abcdefghijklmnop-${name}`).toHaveLength(64);
  });

  it('differ for steps that would read the same', () => {
    const names = ['a-b', 'a/b'].map((path) => functionName('dev', 'step', 'w', path));
    expect(new Set(names).size).toBe(2);
    const long = ['x', 'y'].map((end) => functionName('dev', 'step', 'w', `${'s'.repeat(80)}${end}`));
    expect(new Set(long).size).toBe(2);
  });
});
