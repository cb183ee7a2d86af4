import { readFileSync, writeFileSync } from 'node:fs';

/**
 * What all scripts of this folder share. `node <script>.mjs <plain|stream|tool> [prompt]` prints
 * `{ text, toolCalls, usage }`: the usage of each call in the client's own words. In a sandbox the prompt is in the
 * input, and the result goes to the output.
 */
export const TOOL = {
  name: 'lookup',
  description: 'Looks a word up',
  schema: { type: 'object', properties: { word: { type: 'string' } }, required: ['word'] },
  result: 'a word',
};
export const MAX_TOKENS = 200;

export function asked() {
  const [mode, prompt] = process.argv.slice(2);
  if (!['plain', 'stream', 'tool'].includes(mode)) throw new Error(`unknown mode ${mode}`);
  if (prompt !== undefined) return { mode, prompt };
  const file = process.env.WFLO_INPUT;
  return { mode, prompt: file === undefined ? 'Say something.' : JSON.parse(readFileSync(file, 'utf8')).prompt };
}

export function answer(text, toolCalls, usage) {
  const result = JSON.stringify({ text, toolCalls, usage });
  console.log(result);
  if (process.env.WFLO_OUTPUT !== undefined) writeFileSync(process.env.WFLO_OUTPUT, result);
}
