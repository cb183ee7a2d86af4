import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe } from 'vitest';
import { agentEntries, agentFolder, buildAgents } from '../../../lib/project/build-agents.ts';
import { loadWorkflows } from '../../../lib/project/workflows.ts';
import { itResearches, TASK } from '../../_helpers/research-agent.ts';
import { runAgent } from '../../_helpers/run-agent.ts';
import { ScriptedProvider } from '../../_helpers/scripted-provider/scripted-provider.ts';

const root = join(import.meta.dirname, '../../..');
const bundles = mkdtempSync(join(tmpdir(), 'wflo-agents-'));
let provider: ScriptedProvider;
beforeAll(async () => {
  provider = await ScriptedProvider.start();
  await buildAgents(root, bundles, agentEntries(await loadWorkflows(root, 'research-agent-ts')));
});
afterAll(async () => {
  rmSync(bundles, { recursive: true });
  await provider.stop();
});
beforeEach(() => provider.reset());

describe('the research agent in TypeScript, bundled with @anthropic-ai/sdk', () => {
  itResearches(
    () => provider,
    (given) =>
      // Far from any node_modules.
      runAgent(
        join(bundles, agentFolder('research-agent-ts', './agent/research.ts')),
        ['node', 'research.mjs'],
        { ...TASK, model: 'claude-haiku-4-5', ...given },
        { ANTHROPIC_BASE_URL: `${provider.url}/anthropic`, ANTHROPIC_API_KEY: 'wflo' },
      ),
  );
});
