import { parseArgs } from 'node:util';
import { ScriptedProvider } from './scripted-provider.ts';

/** `npx tsx test/_helpers/scripted-provider/main.ts --port 9000`: runs until it is stopped, and prints its URL first. */
const { values } = parseArgs({ options: { port: { type: 'string' }, host: { type: 'string' } } });
const provider = await ScriptedProvider.start({
  ...(values.port === undefined ? {} : { port: Number(values.port) }),
  ...(values.host === undefined ? {} : { host: values.host }),
});
console.log(provider.url);
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => provider.stop());
