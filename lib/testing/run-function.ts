import type { StepFunctionInvoker } from '../ports.ts';
import { askStub } from './accept-answer.ts';
import { StateError } from './machine.ts';
import type { World } from './world.ts';

/** Invokes stubs instead of functions. The claim that comes before, and what is recorded after, are Wflo's own. */
export function stubbedFunctions(world: Pick<World, 'stubs' | 'time'>): StepFunctionInvoker {
  return {
    async invoke(_function, input, { stepPath: path, attempt, idempotencyKey }, timeoutSeconds) {
      const call = { path, attempt, input, idempotencyKey, now: world.time.now() };
      const ended = await askStub(world.stubs.steps[path], 'lambda', call, timeoutSeconds);
      await world.time.sleep(ended.seconds);
      const { failure, timedOut } = ended;
      if (timedOut) {
        const { message = `Task timed out after ${timeoutSeconds}.00 seconds` } = failure ?? {};
        return { ok: false, timedOut, message };
      }
      if (failure?.fails === 'lost') {
        throw new StateError('Lambda.Unknown', failure.message ?? 'the connection to the function was lost');
      }
      if (failure !== undefined) return { ok: false, timedOut, message: failure.message ?? 'the function threw' };
      // A function that returns nothing answers null.
      return { ok: true, output: ended.output ?? null };
    },
  };
}
