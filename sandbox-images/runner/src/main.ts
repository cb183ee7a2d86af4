import { runSandbox } from './run.ts';

const stopping = new AbortController();
for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.on(signal, () => stopping.abort(`the sandbox was told to stop (${signal})`));
}
process.exitCode = await runSandbox({ ...process.env }, { stopping: stopping.signal });
process.exit();
