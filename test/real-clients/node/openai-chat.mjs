import OpenAI from 'openai';
import { answer, asked, MAX_TOKENS, TOOL } from './result.mjs';

const model = process.env.MODEL ?? 'gpt-4o-mini';
const { mode, prompt } = asked();
const client = new OpenAI();
const messages = [{ role: 'user', content: prompt }];

if (mode === 'stream') {
  let text = '';
  let usage = null;
  const options = { model, messages, max_tokens: MAX_TOKENS, stream: true, stream_options: { include_usage: true } };
  for await (const chunk of await client.chat.completions.create(options)) {
    text += chunk.choices[0]?.delta.content ?? '';
    usage = chunk.usage ?? usage;
  }
  answer(text, [], [usage]);
} else {
  const { name, description, schema } = TOOL;
  const tools = [{ type: 'function', function: { name, description, parameters: schema } }];
  const used = [];
  const called = [];
  for (;;) {
    const options = { model, messages, max_tokens: MAX_TOKENS, ...(mode === 'tool' ? { tools } : {}) };
    const { choices, usage } = await client.chat.completions.create(options);
    used.push(usage ?? null);
    const { message } = choices[0];
    if (message.tool_calls === undefined) {
      answer(message.content, called, used);
      break;
    }
    messages.push(message);
    for (const call of message.tool_calls) {
      called.push({ name: call.function.name, arguments: JSON.parse(call.function.arguments) });
      messages.push({ role: 'tool', tool_call_id: call.id, content: TOOL.result });
    }
  }
}
