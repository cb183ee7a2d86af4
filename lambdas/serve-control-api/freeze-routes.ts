import { buildEvent } from '../../lib/audit/build-event.ts';
import type { FreezeRequest, FreezeView } from '../../lib/client/api.ts';
import { WfloError } from '../../lib/errors.ts';
import { DEFAULT_TENANT } from '../../lib/execution/actors.ts';
import { reasonOf, scopesOf } from '../../lib/execution/freeze.ts';
import type { Freeze } from '../../lib/execution/records.ts';
import { untilDecided } from '../../lib/execution/until-decided.ts';
import { tenantChain } from '../../lib/people/tenant-chain.ts';
import type { Serve } from './control-api.ts';
import type { ControlApiPorts } from './ports.ts';
import type { Principal } from './principal.ts';
import { unknownWorkflow } from './read-execution.ts';
import { checked, FreezeBody, parsedBody, withoutUndefined } from './requests.ts';

type Ports = Pick<ControlApiPorts, 'executions' | 'workflows' | 'reconcileNow' | 'signals' | 'clock' | 'ids'>;

/** Workflows and the deployment as a whole are everybody's: the tenant that runs the deployment decides on them. */
export function serveFreeze(serve: Serve, ports: Ports): void {
  serve('GET /v1/freeze', async (c) => c.json(visibleTo(c.get('principal'), await ports.executions.getFreeze())));

  serve('POST /v1/freeze', async (c) => {
    const request = checked(FreezeBody, 'body', parsedBody(await c.req.text()));
    const principal = c.get('principal');
    const scope = scopeOf(principal, withoutUndefined(request));
    const { reason } = request;
    if (reason === undefined) throw new WfloError('invalid_request', 'body.reason: is missing', { fix: 'say why' });
    if (request.workflow !== undefined) await requireWorkflow(ports, principal, request.workflow);
    const frozen = await change(ports, principal, 'freeze.set', scope, reason);
    // What acts already loses its right now, and not at the next minute. The stop holds without that.
    await ports.reconcileNow().catch((error: unknown) => ports.signals.reconcileNotCalled(error));
    return c.json(visibleTo(principal, frozen));
  });

  serve('POST /v1/unfreeze', async (c) => {
    const request = checked(FreezeBody, 'body', parsedBody(await c.req.text()));
    const principal = c.get('principal');
    const scope = scopeOf(principal, withoutUndefined(request));
    return c.json(visibleTo(principal, await change(ports, principal, 'freeze.lifted', scope, undefined)));
  });
}

/** A stop of a name that was mistyped would stop nothing. A workflow that was removed may still have executions. */
async function requireWorkflow(ports: Ports, { tenant }: Principal, workflow: string): Promise<void> {
  const deployed = await ports.workflows.names();
  if (deployed.includes(workflow)) return;
  const { items } = await ports.executions.listExecutions({ tenant, workflow, limit: 1 });
  if (items.length === 0) throw unknownWorkflow(workflow, deployed);
}

interface Scope {
  readonly all: boolean;
  readonly workflows: readonly string[];
  readonly tenants: readonly string[];
}

/** Throws `forbidden` for what is not the caller's own tenant, unless that is the one that runs the deployment. */
function scopeOf({ tenant }: Principal, { all, workflow, tenant: named }: FreezeRequest): Scope {
  if (tenant !== DEFAULT_TENANT && named !== tenant) {
    throw new WfloError('forbidden', `people of the tenant ${tenant} can stop that tenant only`, {
      fix: `name it: --tenant ${tenant}`,
    });
  }
  return {
    all: all === true,
    workflows: workflow === undefined ? [] : [workflow],
    tenants: named === undefined ? [] : [named],
  };
}

function change(
  ports: Ports,
  { tenant, actor }: Principal,
  type: 'freeze.set' | 'freeze.lifted',
  scope: Scope,
  reason: string | undefined,
): Promise<Freeze> {
  return untilDecided(async () => {
    const before = await ports.executions.getFreeze();
    const held = type === 'freeze.set' ? added(before, scope) : removed(before, scope);
    const given = type === 'freeze.set' ? scopesOf(scope) : [];
    const entries = scopesOf(held).map((one) => [
      one,
      (given.includes(one) ? reason : before.reasons?.[one]) ?? before.reason,
    ]);
    const reasons: { readonly [scope: string]: string } = Object.fromEntries(entries);
    const next: Freeze = {
      ...held,
      version: before.version + 1,
      reason: reasonOf({ reason: '', reasons }, held),
      reasons,
      by: actor,
      at: ports.clock.now().toISOString(),
    };
    const { all } = scope;
    const data = { all, workflows: [...scope.workflows], tenants: [...scope.tenants] };
    const chain = tenantChain(tenant);
    const event =
      type === 'freeze.set'
        ? buildEvent(ports, chain, { type, actor, data: { scope: data, reason: reason ?? '' } })
        : buildEvent(ports, chain, { type, actor, data: { scope: data } });
    return (await ports.executions.setFreeze(next, [event])) ? next : undefined;
  });
}

function added(before: Scope, { all, workflows, tenants }: Scope): Scope {
  return {
    all: before.all || all,
    workflows: [...new Set([...before.workflows, ...workflows])].sort(),
    tenants: [...new Set([...before.tenants, ...tenants])].sort(),
  };
}

function removed(before: Scope, { all, workflows, tenants }: Scope): Scope {
  return {
    all: before.all && !all,
    workflows: before.workflows.filter((name) => !workflows.includes(name)),
    tenants: before.tenants.filter((name) => !tenants.includes(name)),
  };
}

/** Of other tenants nobody learns anything: neither that they are stopped, nor why, nor who changed what last. */
function visibleTo({ tenant }: Principal, freeze: Freeze): FreezeView {
  const { reasons: _, ...everything } = freeze;
  if (tenant === DEFAULT_TENANT) return everything;
  const { version, all, workflows } = freeze;
  const held = { all, workflows, tenants: freeze.tenants.filter((name) => name === tenant) };
  return { version, ...held, reason: reasonOf(freeze, held) };
}
