import { BedrockRuntimeClient, ConverseCommand, ConverseStreamCommand } from '@aws-sdk/client-bedrock-runtime';
import { answer, asked, MAX_TOKENS, TOOL } from './result.mjs';

const modelId = process.env.MODEL ?? 'amazon.nova-lite-v1:0';
const { mode, prompt } = asked();
const client = new BedrockRuntimeClient({});
const messages = [{ role: 'user', content: [{ text: prompt }] }];
const inferenceConfig = { maxTokens: MAX_TOKENS };

if (mode === 'stream') {
  let text = '';
  let usage = null;
  const { stream } = await client.send(new ConverseStreamCommand({ modelId, messages, inferenceConfig }));
  for await (const event of stream) {
    text += event.contentBlockDelta?.delta.text ?? '';
    usage = event.metadata?.usage ?? usage;
  }
  answer(text, [], [usage]);
} else {
  const { name, description, schema } = TOOL;
  const toolConfig = { tools: [{ toolSpec: { name, description, inputSchema: { json: schema } } }] };
  const used = [];
  const called = [];
  for (;;) {
    const options = { modelId, messages, inferenceConfig, ...(mode === 'tool' ? { toolConfig } : {}) };
    const { output, usage } = await client.send(new ConverseCommand(options));
    used.push(usage);
    const { message } = output;
    const calls = message.content.flatMap(({ toolUse }) => (toolUse === undefined ? [] : [toolUse]));
    if (calls.length === 0) {
      answer(message.content.map(({ text }) => text ?? '').join(''), called, used);
      break;
    }
    called.push(...calls.map((call) => ({ name: call.name, arguments: call.input })));
    messages.push(message);
    const content = calls.map(({ toolUseId }) => ({ toolResult: { toolUseId, content: [{ text: TOOL.result }] } }));
    messages.push({ role: 'user', content });
  }
}
