import { describe, expect, it } from 'vitest';
import { buildExpression } from '../../../lib/aws/expressions.ts';

const nothing = { set: {}, remove: [], add: {} };

describe('an expression', () => {
  it('names every field by an alias, once', () => {
    expect(
      buildExpression(
        { set: { status: 'failed', error: { code: 'x' } }, remove: ['checkAt'], add: { eventCount: 2 } },
        { status: { oneOf: ['running', 'starting'] }, ending: { absent: true }, checkAt: '2026' },
      ),
    ).toEqual({
      UpdateExpression: 'SET #n0 = :v0, #n1 = :v1 REMOVE #n2 ADD #n3 :v2',
      ConditionExpression: 'attribute_exists(#n4) AND #n0 IN (:v3, :v4) AND attribute_not_exists(#n5) AND #n2 = :v5',
      ExpressionAttributeNames: {
        '#n0': 'status',
        '#n1': 'error',
        '#n2': 'checkAt',
        '#n3': 'eventCount',
        '#n4': 'pk',
        '#n5': 'ending',
      },
      ExpressionAttributeValues: {
        ':v0': 'failed',
        ':v1': { code: 'x' },
        ':v2': 2,
        ':v3': 'running',
        ':v4': 'starting',
        ':v5': '2026',
      },
    });
  });

  it('is a condition alone where nothing changes', () => {
    expect(buildExpression(nothing, {})).toEqual({
      ConditionExpression: 'attribute_exists(#n0)',
      ExpressionAttributeNames: { '#n0': 'pk' },
    });
  });

  it('takes an object that is no choice as a value', () => {
    const { ExpressionAttributeValues } = buildExpression(nothing, { session: { tokenHash: 'h' } });
    expect(ExpressionAttributeValues).toEqual({ ':v0': { tokenHash: 'h' } });
  });

  it('lets an attribute take the value of another', () => {
    const update = { ...nothing, set: { status: 'granted' }, copy: { list: 'next', other: 'status' } };
    expect(buildExpression(update, {}).UpdateExpression).toBe('SET #n0 = :v0, #n1 = #n2, #n3 = #n0');
  });
});
