import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe } from 'vitest';
import { installDependencies } from '../../lib/local-cloud/install-dependencies.ts';
import { itResearches, TASK } from '../_helpers/research-agent.ts';
import { runAgent } from '../_helpers/run-agent.ts';
import { ScriptedProvider } from '../_helpers/scripted-provider/scripted-provider.ts';

const root = join(import.meta.dirname, '../..');
let provider: ScriptedProvider;
beforeAll(async () => {
  provider = await ScriptedProvider.start();
  await installDependencies(root, process.env, () => undefined);
});
afterAll(() => provider.stop());
beforeEach(() => provider.reset());

describe('the research agent in Python, with the openai package of its vendor folder', () => {
  itResearches(
    () => provider,
    (given) =>
      runAgent(
        join(root, 'state-machines/research-agent/agent'),
        ['python3', 'research.py'],
        { ...TASK, model: 'gpt-4o-mini', ...given },
        { PYTHONPATH: 'vendor', OPENAI_BASE_URL: `${provider.url}/openai/v1`, OPENAI_API_KEY: 'wflo' },
      ),
  );
});
