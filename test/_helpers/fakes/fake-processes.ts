import type { ProcessTable } from '../../../lib/local-cloud/process-identity.ts';

export interface FakeProcess {
  /** Changed by a test where another process gets the same pid. */
  identity: string;
  /** Ends by SIGTERM; one that does not needs SIGKILL. */
  readonly obeys: boolean;
}

/** A process table whose processes end at once when they are signalled. */
export class FakeProcesses implements ProcessTable {
  readonly alive = new Map<number, FakeProcess>();
  readonly signals: { readonly pid: number; readonly signal: NodeJS.Signals }[] = [];

  start(pid: number, identity: string, obeys = true): this {
    this.alive.set(pid, { identity, obeys });
    return this;
  }

  identity(pid: number): string | undefined {
    return this.alive.get(pid)?.identity;
  }

  signal(pid: number, signal: NodeJS.Signals): void {
    this.signals.push({ pid, signal });
    if (signal === 'SIGKILL' || this.alive.get(pid)?.obeys) this.alive.delete(pid);
  }
}
