import { verifyChain } from '../../lib/audit/chain.ts';
import type { ExecutionView } from '../../lib/client/api.ts';
import type { Json } from '../../lib/json.ts';
import { type Check, type DeployedStage, show } from './check.ts';

const secondsOf = ({ startedAt, endedAt }: ExecutionView) =>
  ((Date.parse(endedAt ?? '') - Date.parse(startedAt)) / 1000).toFixed(0);

async function start(stage: DeployedStage, workflow: string, input: Json = {}): Promise<string> {
  const { execution } = await stage.client.start({ workflow, input });
  stage.executionIds.add(execution.executionId);
  return execution.executionId;
}

const ended = (stage: DeployedStage, id: string) =>
  stage.eventually(
    () => stage.client.describe(id),
    (view) => view.endedAt !== null,
    `${id} ends`,
  );

/** Starts `smoke-gate` and waits until its approval is asked for. */
async function openGate(stage: DeployedStage): Promise<string> {
  const id = await start(stage, 'smoke-gate');
  const view = await stage.eventually(
    () => stage.client.describe(id),
    ({ status, endedAt }) => status === 'waiting_approval' || endedAt !== null,
    `${id} waits for its approval`,
  );
  show(view.status === 'waiting_approval', `${id} ended ${view.status}: ${view.error?.message ?? 'without an error'}`);
  return id;
}

async function approve(stage: DeployedStage, id: string): Promise<ExecutionView> {
  await stage.client.decide(`${id}:act:1`, { decision: 'approve' });
  return ended(stage, id);
}

async function succeeds(view: ExecutionView, output: Json): Promise<void> {
  show(
    view.status === 'succeeded' && JSON.stringify(view.output) === JSON.stringify(output),
    `${view.executionId} ended ${view.status} with ${JSON.stringify(view.error ?? view.output)}`,
  );
}

const sandboxRuns: Check = {
  id: 'sandbox-runs',
  what: 'an agent runs in a sandbox and its execution succeeds',
  async run(stage) {
    const view = await ended(stage, await start(stage, 'hello', { name: 'Smoke' }));
    await succeeds(view, { message: 'Hello, Smoke!' });
    return `${view.executionId} succeeded in ${secondsOf(view)} s`;
  },
};

const privateNetwork: Check = {
  id: 'private-network',
  what: 'that sandbox was a Fargate task in isolated subnets: image, claim and result went through the endpoints',
  notLocally: 'the local AWS has no networks, and starts no containers',
  async run(stage) {
    const mode = await stage.networkMode();
    show(mode === 'private', `the network mode is ${mode}`);
    const calls = await stage.eventually(
      () => stage.countLogLines('sandbox-api-access', 'POST'),
      (count) => count > 0,
      'the access log of the sandbox API has its calls',
    );
    return `mode private, ${calls} calls of the private API in its access log`;
  },
};

const claimSource: Check = {
  id: 'claim-source',
  what: 'the source address of a claim is that of its task',
  notLocally: 'the local AWS tells a loopback address of every call, and tasks have none of their own',
  async run(stage) {
    const differing = await stage.countLogLines('serve-sandbox-api', 'ClaimSourceDiffers');
    show(differing === 0, `${differing} claims came from another address than their task has`);
    return 'ClaimSourceDiffers was counted for no claim';
  },
};

/** A public object of the Registry of Open Data, a public API of this very stage, and somebody else's web site. */
const outside = ({ region, controlApiUrl }: DeployedStage) => [
  `https://s3.${region}.amazonaws.com/noaa-ghcn-pds/readme.txt`,
  `${controlApiUrl.replace(/\/$/, '')}/v1/me`,
  'https://example.com/',
];

const endpointPolicies: Check = {
  id: 'endpoint-policies',
  what: 'from a sandbox, another bucket, another API and the internet are refused',
  notLocally: 'the local AWS has no endpoints, and sandboxes there have no network but a relay',
  async run(stage) {
    const urls = outside(stage);
    const view = await ended(stage, await start(stage, 'smoke-probe', { urls }));
    show(view.status === 'succeeded', `${view.executionId} ended ${view.status}: ${view.error?.message}`);
    const { answers } = view.output as unknown as { answers: { url: string; status: number; said: string }[] };
    show(answers.length === urls.length, `the probe told ${answers.length} of ${urls.length} answers`);
    for (const { url, status, said } of answers) {
      // "Missing Authentication Token" is how the API itself refuses; a policy of the endpoint never lets it get there.
      const refused = status === 0 || (status === 403 && !said.includes('Missing Authentication Token'));
      show(refused, `${url} answered ${status}: ${said.slice(0, 120)}`);
    }
    return answers.map(({ url, status }) => `${new URL(url).hostname} ${status || 'unreachable'}`).join(', ');
  },
};

const gate: Check = {
  id: 'gate',
  what: 'a decision resumes the state that waits for it, and the execution succeeds',
  async run(stage) {
    const view = await approve(stage, await openGate(stage));
    await succeeds(view, { edition: 'first' });
    return `${view.executionId} succeeded after its approval`;
  },
};

const encryptedMachine: Check = {
  id: 'encrypted-machine',
  what: 'that machine is encrypted with the key of the stage, so SendTaskSuccess had the grants that it needs',
  notLocally: 'the local AWS does not ask a key whether it may be used',
  async run(stage) {
    const type = await stage.machineEncryption('smoke-gate');
    show(type === 'CUSTOMER_MANAGED_KMS_KEY', `the encryption of smoke-gate is ${type}`);
    return type;
  },
};

const deployOverGate: Check = {
  id: 'deploy-over-gate',
  what: 'a deployment that changes handler and definition leaves an open gate as it was; a new execution runs the new ones',
  notLocally:
    'its second deployment is one of CDK into an account; on the local AWS only the newest definition of a machine runs',
  async run(stage) {
    const before = await openGate(stage);
    await stage.deployChange();
    const after = await openGate(stage);
    await succeeds(await approve(stage, before), { edition: 'first' });
    await succeeds(await approve(stage, after), { edition: 'second', changed: true });
    return `${before} ended with the old bytes, ${after} with the new ones`;
  },
};

const stopped: Check = {
  id: 'stopped',
  what: 'an execution that is stopped in the console is closed, and its sandbox ends',
  async run(stage) {
    const id = await start(stage, 'smoke-patience');
    await stage.eventually(
      () => stage.client.describe(id),
      ({ steps, endedAt }) => steps[0]?.status === 'running' || endedAt !== null,
      `the agent of ${id} runs`,
    );
    await stage.stopMachine(id, 'smoke run');
    const view = await ended(stage, id);
    show(view.status === 'cancelled', `${id} ended ${view.status}`);
    await stage.eventually(
      () => stage.runningTasks(),
      (tasks) => tasks.length === 0,
      'no task runs',
    );
    return `${id} is cancelled, and no task runs`;
  },
};

const timedOut: Check = {
  id: 'time-out',
  what: 'an execution that takes longer than it may is ended by the schedule of reconcile, and its machine with it',
  notLocally: 'it waits for the schedule; `lifecycle.test.ts` calls reconcile itself',
  async run(stage) {
    const view = await ended(stage, await start(stage, 'smoke-deadline', { seconds: 600 }));
    show(view.status === 'timed_out', `${view.executionId} ended ${view.status}`);
    return `${view.executionId} is timed_out after ${secondsOf(view)} s`;
  },
};

const auditChains: Check = {
  id: 'audit-chains',
  what: 'the stream, the relay and the bus took every event: each chain is whole and complete',
  async run(stage) {
    let events = 0;
    show(stage.executionIds.size > 0, 'no execution was started');
    for (const id of stage.executionIds) {
      const chain = await stage.eventually(
        () => stage.client.events(id),
        ({ records, eventCount }) => records.length >= eventCount,
        `every event of ${id} is in its chain`,
      );
      const verdict = verifyChain(chain.records, chain.eventCount);
      show(verdict.ok, `the chain of ${id} does not verify: ${JSON.stringify(verdict)}`);
      events += chain.records.length;
    }
    return `${stage.executionIds.size} chains, ${events} events`;
  },
};

const queuesEmpty: Check = {
  id: 'queues-empty',
  what: 'nothing was given up: every dead-letter queue is empty',
  async run(stage) {
    const depths = Object.entries(await stage.queueDepths());
    show(depths.length > 0, 'the stage has no queues');
    const full = depths.filter(([, depth]) => depth > 0).map(([name, depth]) => `${name} holds ${depth}`);
    show(full.length === 0, full.join(', '));
    return `${depths.length} queues`;
  },
};

const alarmsQuiet: Check = {
  id: 'alarms-quiet',
  what: 'no alarm is raised',
  notLocally: 'the local AWS makes no metrics of log lines',
  async run(stage) {
    const alarms = await stage.alarms();
    show(alarms.length > 0, 'the stage has no alarms');
    const raised = alarms.filter(({ state }) => state === 'ALARM').map(({ name }) => name);
    show(raised.length === 0, `raised: ${raised.join(', ')}`);
    return `${alarms.length} alarms, none raised`;
  },
};

/** In this order: the last three look back at what the others did. */
export const CHECKS: readonly Check[] = [
  sandboxRuns,
  privateNetwork,
  claimSource,
  endpointPolicies,
  gate,
  encryptedMachine,
  deployOverGate,
  stopped,
  timedOut,
  auditChains,
  queuesEmpty,
  alarmsQuiet,
];
