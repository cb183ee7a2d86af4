import { GoogleGenAI } from '@google/genai';
import { answer, asked, MAX_TOKENS, TOOL } from './result.mjs';

const model = process.env.MODEL ?? 'gemini-2.5-flash';
const { mode, prompt } = asked();
const client = new GoogleGenAI({});
const contents = [{ role: 'user', parts: [{ text: prompt }] }];
const { name, description, schema } = TOOL;
const tools = [{ functionDeclarations: [{ name, description, parametersJsonSchema: schema }] }];
const config = { maxOutputTokens: MAX_TOKENS, ...(mode === 'tool' ? { tools } : {}) };

if (mode === 'stream') {
  let text = '';
  let usage = null;
  for await (const chunk of await client.models.generateContentStream({ model, contents, config })) {
    text += chunk.text ?? '';
    usage = chunk.usageMetadata ?? usage;
  }
  answer(text, [], [usage]);
} else {
  const used = [];
  const called = [];
  for (;;) {
    const response = await client.models.generateContent({ model, contents, config });
    used.push(response.usageMetadata ?? null);
    const calls = response.functionCalls ?? [];
    if (calls.length === 0) {
      answer(response.text, called, used);
      break;
    }
    called.push(...calls.map((call) => ({ name: call.name, arguments: call.args })));
    contents.push(response.candidates[0].content);
    const parts = calls.map((call) => ({ functionResponse: { name: call.name, response: { result: TOOL.result } } }));
    contents.push({ role: 'user', parts });
  }
}
