import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { dollars, ZERO_USD } from '../../lib/budget/money.ts';
import { choosePort } from '../../lib/local-cloud/free-port.ts';
import { root } from '../timed-command.ts';
import { type BenchProcess, startEntry, startProgram } from './bench-process.ts';
import type { Installed } from './install.ts';
import type { Looked, Measured, Opened, OursConfig, OursQuestion, StoreConfig } from './ours.ts';
import { MODEL } from './prices.ts';

/** A running server of chat completions, as its clients see it. */
export interface Server {
  readonly process: BenchProcess;
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
}

export interface Provider extends Server {
  readonly origin: string;
  /** What it has charged for since the last time, and how often it was called. */
  charged(): Promise<{ readonly calls: number; readonly input: number; readonly output: number }>;
}

export interface Ours extends Server {
  /** Another execution with a budget of its own. */
  open(limitNanoUsd: number): Promise<Opened>;
  look(executionId: string): Promise<Looked>;
  measured(): Promise<Measured>;
}

const logFile = (name: string) => join(root, 'build', 'bench-gateway-logs', `${name}.log`);

export async function startProvider(): Promise<Provider> {
  const { process, ready } = await startEntry<{ readonly port: number }>('provider', {}, logFile('provider'));
  const origin = `http://127.0.0.1:${ready.port}`;
  return {
    process,
    origin,
    url: `${origin}/v1/chat/completions`,
    headers: { authorization: 'Bearer benchmark' },
    charged: () => process.ask({ reset: true }),
  };
}

/** With an execution whose budget no benchmark uses up. */
export async function startOurs(provider: Provider, name: string, store?: StoreConfig): Promise<Ours> {
  const config: OursConfig = { providerUrl: provider.origin, ...(store === undefined ? {} : { store }) };
  const { process, ready } = await startEntry<{ readonly port: number }>('ours', config, logFile(name));
  const ask = <T>(question: OursQuestion) => process.ask<T>(question);
  const open = (limitNanoUsd: number) => ask<Opened>({ open: { limitNanoUsd } });
  const { token } = await open(1e15);
  return {
    process,
    url: `http://127.0.0.1:${ready.port}/models/openai/v1/chat/completions`,
    headers: headersOf(token),
    open,
    look: (executionId) => ask({ look: executionId }),
    measured: () => ask({ measured: true }),
  };
}

export function headersOf(token: string): Readonly<Record<string, string>> {
  return { authorization: `Bearer ${token}`, 'x-wflo-epoch': '1' };
}

export async function startPortkey({ portkey, folder }: Installed, provider: Provider): Promise<Server> {
  const port = await choosePort(undefined, []);
  const origin = `http://127.0.0.1:${port}`;
  const running = await startProgram(process.execPath, [portkey, `--port=${port}`, '--headless'], {
    cwd: folder,
    env: { PATH: process.env.PATH, HOME: folder, NODE_ENV: 'production' },
    logFile: logFile('portkey'),
    readyUrl: origin,
  });
  return {
    process: running,
    url: `${origin}/v1/chat/completions`,
    headers: {
      authorization: 'Bearer benchmark',
      'x-portkey-provider': 'openai',
      'x-portkey-custom-host': `${provider.origin}/v1`,
    },
  };
}

/** The name of the deployment that has the small budget. */
export const SMALL = 'small-budget';

/** With budgets on its deployments, and no keys of its own, which would only slow it down. */
export async function startLitellm(
  { litellm, folder }: Installed,
  provider: Provider,
  smallBudgetUsd: number,
): Promise<Server> {
  const port = await choosePort(undefined, []);
  const origin = `http://127.0.0.1:${port}`;
  const { input = ZERO_USD, output = ZERO_USD } = MODEL.tiers[0]?.rates ?? {};
  const deployment = (name: string, budget: number) => ({
    model_name: name,
    litellm_params: {
      model: `openai/${MODEL.model}`,
      api_base: `${provider.origin}/v1`,
      api_key: 'benchmark',
      max_budget: budget,
      budget_duration: '1d',
      input_cost_per_token: dollars(input) / 1e6,
      output_cost_per_token: dollars(output) / 1e6,
    },
  });
  const configFile = join(folder, 'litellm.json');
  const config = { model_list: [deployment(MODEL.model, 1e6), deployment(SMALL, smallBudgetUsd)] };
  // JSON is YAML.
  await writeFile(configFile, JSON.stringify(config));
  const running = await startProgram(litellm, ['--config', configFile, '--host', '127.0.0.1', '--port', `${port}`], {
    cwd: folder,
    env: {
      PATH: process.env.PATH,
      HOME: folder,
      // Nothing is fetched while it runs.
      LITELLM_LOCAL_MODEL_COST_MAP: 'True',
      LITELLM_TELEMETRY: 'False',
      LITELLM_DANGEROUSLY_PERMIT_WEAK_OR_UNSET_MASTER_KEY: 'true',
    },
    logFile: logFile('litellm'),
    readyUrl: `${origin}/health/liveliness`,
  });
  return { process: running, url: `${origin}/v1/chat/completions`, headers: { authorization: 'Bearer benchmark' } };
}
