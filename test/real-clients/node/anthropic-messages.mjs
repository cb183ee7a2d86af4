import Anthropic from '@anthropic-ai/sdk';
import { answer, asked, MAX_TOKENS, TOOL } from './result.mjs';

const model = process.env.MODEL ?? 'claude-sonnet-4-5';
const { mode, prompt } = asked();
const client = new Anthropic();
const messages = [{ role: 'user', content: prompt }];
const textOf = ({ content }) => content.flatMap((block) => (block.type === 'text' ? [block.text] : [])).join('');

if (mode === 'stream') {
  let text = '';
  const stream = client.messages.stream({ model, max_tokens: MAX_TOKENS, messages });
  stream.on('text', (delta) => {
    text += delta;
  });
  const { usage } = await stream.finalMessage();
  answer(text, [], [usage]);
} else {
  const { name, description, schema } = TOOL;
  const tools = mode === 'tool' ? { tools: [{ name, description, input_schema: schema }] } : {};
  const used = [];
  const called = [];
  for (;;) {
    const message = await client.messages.create({ model, max_tokens: MAX_TOKENS, messages, ...tools });
    used.push(message.usage);
    const calls = message.content.filter(({ type }) => type === 'tool_use');
    if (calls.length === 0) {
      answer(textOf(message), called, used);
      break;
    }
    called.push(...calls.map((call) => ({ name: call.name, arguments: call.input })));
    messages.push({ role: 'assistant', content: message.content });
    const results = calls.map(({ id }) => ({ type: 'tool_result', tool_use_id: id, content: TOOL.result }));
    messages.push({ role: 'user', content: results });
  }
}
