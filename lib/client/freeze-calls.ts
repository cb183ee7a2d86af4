import type { Json } from '../json.ts';
import type { FreezeRequest, FreezeView } from './api.ts';
import type { Caller, CallOptions } from './caller.ts';

/** The emergency stop. All of these answer what is frozen then. */
export interface FreezeCalls {
  frozen(options?: CallOptions): Promise<FreezeView>;
  freeze(request: FreezeRequest, options?: CallOptions): Promise<FreezeView>;
  unfreeze(request: FreezeRequest, options?: CallOptions): Promise<FreezeView>;
}

export function freezeCalls({ ask }: Caller): FreezeCalls {
  return {
    frozen: ({ signal } = {}) => ask({ method: 'GET', path: ['v1', 'freeze'] }, signal),
    freeze: (request, { signal } = {}) =>
      ask({ method: 'POST', path: ['v1', 'freeze'], body: request as unknown as Json }, signal),
    unfreeze: (request, { signal } = {}) =>
      ask({ method: 'POST', path: ['v1', 'unfreeze'], body: request as unknown as Json }, signal),
  };
}
