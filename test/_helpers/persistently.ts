import { WfloError } from '../../lib/errors.ts';
import { eventually } from './wflo.ts';

/** As a tool does it whose calls are cut off: again, until there is an answer. The API makes a repeat the same. */
export async function persistently<T>(call: () => Promise<T>): Promise<T> {
  const answer = await eventually(
    async () => {
      try {
        return { value: await call() };
      } catch (error) {
        if (WfloError.is(error) && (error.code === 'internal' || error.code === 'unreachable')) return undefined;
        throw error;
      }
    },
    (seen) => seen !== undefined,
    'an answer',
    60,
  );
  return (answer as { value: T }).value;
}
