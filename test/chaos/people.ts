import { cancelExecution } from '../../lambdas/serve-control-api/cancel-execution.ts';
import type { Principal } from '../../lambdas/serve-control-api/principal.ts';
import { startExecution } from '../../lambdas/serve-control-api/start-execution.ts';
import { decideApproval } from '../../lib/approvals/decide-approval.ts';
import { WfloError } from '../../lib/errors.ts';
import type { ApprovalRecord } from '../../lib/execution/records.ts';
import { aPerson } from '../_helpers/fakes/fake-people-store.ts';
import { SUBJECTS, type Subject } from './definitions.ts';
import { PEOPLE, type Ports, type World } from './world.ts';

const TRIES = 6;

export interface Promised {
  readonly approvalId: string;
  readonly personId: string;
  readonly decision: 'approve' | 'reject';
}

/** People with their tools: they start, decide and cancel, and try again where there is no answer. */
export class People {
  readonly #world: World;
  /** Executions that somebody was told are started. */
  readonly started = new Set<string>();
  /** Decisions that somebody was told are recorded. */
  readonly promised: Promised[] = [];
  readonly #asked = new Set<string>();
  #count = 0;

  constructor(world: World) {
    this.#world = world;
  }

  startOne(): void {
    const { sim, chance, machines } = this.#world;
    const subject = chance.oneOf(SUBJECTS);
    this.#count += 1;
    const name = `run-${this.#count}`;
    const executionId = `${subject.definition.name}:${name}`;
    const input = subject.input(name, chance);
    sim.spawn(async () => {
      if (chance.happens(0.1)) {
        // Past the control API: nobody is proven to have started it.
        this.started.add(executionId);
        await machines.start(executionId, input);
      } else await this.#start(subject, name, input);
      if (chance.happens(0.12)) await this.#cancel(executionId);
    });
  }

  /** Whoever is asked looks now and then. */
  async look(): Promise<void> {
    const { executions, sim } = this.#world;
    const { items } = await executions.queryApprovals({ tenant: 'default', all: false, limit: 1000 });
    for (const approval of items) {
      if (this.#asked.has(approval.approvalId)) continue;
      this.#asked.add(approval.approvalId);
      sim.spawn(() => this.#consider(approval));
    }
  }

  async #start({ definition }: Subject, name: string, input: ReturnType<Subject['input']>): Promise<void> {
    const executionId = `${definition.name}:${name}`;
    const principal = principalOf(this.#world.chance.oneOf(PEOPLE));
    const request = { workflow: definition.name, name, input };
    const call = (ports: Ports) => startExecution(ports.all, principal, request, undefined);
    if (await this.#tool('start', executionId, call)) this.started.add(executionId);
  }

  async #cancel(executionId: string): Promise<void> {
    const { sim, chance } = this.#world;
    await sim.sleep(chance.between(1, chance.happens(0.5) ? 120 : 2400) * 1000);
    const principal = principalOf(chance.oneOf(PEOPLE));
    await this.#tool('cancel', executionId, (ports) =>
      cancelExecution(ports.all, principal, executionId, { reason: 'no more' }),
    );
  }

  /** What people do with one request: mostly enough of them approve. */
  async #consider({ approvalId, expiresAt }: ApprovalRecord): Promise<void> {
    const { sim, chance } = this.#world;
    const mood = chance.next();
    if (mood < 0.06) return;
    const late = mood < 0.12;
    await sim.sleep(
      late ? Date.parse(expiresAt) - sim.ms + chance.between(-2000, 20_000) : chance.between(1, 600) * 1000,
    );
    const decide = (personId: string, decision: 'approve' | 'reject') => this.#decide(approvalId, personId, decision);
    // Beside each other, so that they meet.
    await Promise.all(
      PEOPLE.map(async (personId) => {
        await sim.sleep(chance.happens(0.5) ? 0 : chance.between(1, 20_000));
        const decision = chance.happens(0.08) ? 'reject' : 'approve';
        await decide(personId, decision);
        if (chance.happens(0.15)) await decide(personId, chance.happens(0.5) ? decision : 'reject');
      }),
    );
  }

  async #decide(approvalId: string, personId: string, decision: 'approve' | 'reject'): Promise<void> {
    const done = await this.#tool('decide', approvalId.split(':').slice(0, 2).join(':'), (ports) =>
      decideApproval(ports.all, 'default', approvalId, { personId, decision, via: 'api', comment: 'because' }),
    );
    if (done) this.promised.push({ approvalId, personId, decision });
  }

  /** True where it was done, false where it was refused or never answered. */
  async #tool(name: string, about: string, call: (ports: Ports) => Promise<unknown>): Promise<boolean> {
    const { sim, chance } = this.#world;
    // Somebody loses patience: what was half done is nobody's to repeat.
    const most = chance.happens(0.25) ? 1 : TRIES;
    for (let tries = 0; tries < most; tries += 1) {
      try {
        await this.#world.invoke(`control-api ${name}`, about, 29_000, call);
        return true;
      } catch (error) {
        if (WfloError.is(error) && error.code !== 'internal') return false;
        await sim.sleep(chance.between(100, 4000));
      }
    }
    return false;
  }
}

export function principalOf(personId: string): Principal {
  const person = aPerson({ personId });
  return { person, tenant: 'default', actor: { type: 'person', id: personId, via: 'api' } };
}
