import { describe, expect, it } from 'vitest';
import { untilAllowed } from '../../../../lambdas/shared/until-allowed.ts';

function refusing(times: number, name = 'AccessDenied') {
  const seen = { calls: 0, pauses: 0 };
  const call = async () => {
    seen.calls += 1;
    if (seen.calls <= times) throw Object.assign(new Error('no'), { name });
    return 'copied';
  };
  const patience = {
    attempts: 3,
    pause: async () => {
      seen.pauses += 1;
    },
  };
  return { seen, call, patience };
}

describe('a policy that was written a moment ago', () => {
  it('is waited for', async () => {
    const { seen, call, patience } = refusing(2);
    expect(await untilAllowed(call, patience)).toBe('copied');
    expect(seen).toEqual({ calls: 3, pauses: 2 });
  });

  it('is not waited for without end', async () => {
    const { seen, call, patience } = refusing(9);
    await expect(untilAllowed(call, patience)).rejects.toMatchObject({ name: 'AccessDenied' });
    expect(seen).toEqual({ calls: 3, pauses: 2 });
  });

  it('is no reason to repeat what failed otherwise', async () => {
    const { seen, call, patience } = refusing(1, 'NoSuchKey');
    await expect(untilAllowed(call, patience)).rejects.toMatchObject({ name: 'NoSuchKey' });
    expect(seen).toEqual({ calls: 1, pauses: 0 });
  });
});
