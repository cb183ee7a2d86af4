import { openai } from '@ai-sdk/openai';
import { generateText, jsonSchema, stepCountIs, streamText, tool } from 'ai';
import { answer, asked, MAX_TOKENS, TOOL } from './result.mjs';

const { mode, prompt } = asked();
const options = {
  // Chat completions; `openai(…)` itself is the Responses API.
  model: openai.chat(process.env.MODEL ?? 'gpt-4o-mini'),
  prompt,
  maxOutputTokens: MAX_TOKENS,
  maxRetries: 0,
};

if (mode === 'stream') {
  const result = streamText(options);
  let text = '';
  for await (const delta of result.textStream) text += delta;
  answer(text, [], [await result.usage]);
} else {
  const called = [];
  const lookup = tool({
    description: TOOL.description,
    inputSchema: jsonSchema(TOOL.schema),
    execute: (input) => {
      called.push({ name: TOOL.name, arguments: input });
      return TOOL.result;
    },
  });
  const tools = mode === 'tool' ? { tools: { [TOOL.name]: lookup }, stopWhen: stepCountIs(5) } : {};
  const { text, steps } = await generateText({ ...options, ...tools });
  const usage = steps.map((step) => step.usage);
  answer(text, called, usage);
}
