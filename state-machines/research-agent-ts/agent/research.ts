import { readFileSync, writeFileSync } from 'node:fs';
import Anthropic from '@anthropic-ai/sdk';
import corpus from '../../research-agent/agent/corpus.json' with { type: 'json' };
import { Library } from './library.ts';
import { runTool, TOOLS } from './tools.ts';

/** As `workflow.ts` gives it. */
interface Task {
  readonly question: string;
  readonly model: string;
  readonly maxTurns: number;
  /** Of one answer of the model. */
  readonly maxOutputTokens: number;
}

type Outcome = 'answered' | 'out_of_budget' | 'out_of_turns';

/** See the schema of `research` in workflow.ts. */
interface Research {
  readonly outcome: Outcome;
  readonly answer: string;
  readonly citations: readonly { readonly id: string; readonly title: string }[];
  readonly read: readonly string[];
  readonly toolCalls: readonly string[];
  readonly turns: number;
  readonly refusal?: string;
}

const SYSTEM =
  'You answer questions about Lantern Ferries from its library, and from nothing else. Say first, in one sentence, how you will find the answer. Search the library, read the documents that look useful, and calculate with the tool instead of by yourself. Then answer in a few sentences. Put the id of the document in brackets after each fact, like [fleet]. If the library does not hold the answer, say so.';

/** HTTP: the gateway refuses a call that could cost more than is left. */
const BUDGET_EXHAUSTED = 402;

/** Plans, calls tools and answers. When the budget ends first, what was read by then is the output. */
async function research(client: Anthropic, library: Library, task: Task): Promise<Research> {
  const messages: Anthropic.MessageParam[] = [{ role: 'user', content: task.question }];
  const toolCalls: string[] = [];
  const output = (outcome: Outcome, turns: number, answer = '', refusal?: string): Research => ({
    outcome,
    answer,
    // A document that the agent names without having read it is not a source.
    citations: library.wasRead.filter(({ id }) => answer.includes(`[${id}]`)).map(({ id, title }) => ({ id, title })),
    read: library.wasRead.map(({ id }) => id),
    toolCalls,
    turns,
    ...(refusal === undefined ? {} : { refusal }),
  });

  for (let turn = 1; turn <= task.maxTurns; turn += 1) {
    let message: Anthropic.Message;
    try {
      message = await client.messages.create({
        model: task.model,
        max_tokens: task.maxOutputTokens,
        system: SYSTEM,
        messages,
        tools: TOOLS,
      });
    } catch (error) {
      if (!(error instanceof Anthropic.APIError) || error.status !== BUDGET_EXHAUSTED) throw error;
      console.log(`turn ${turn}: refused: ${error.message}`);
      return output('out_of_budget', turn - 1, '', error.message);
    }
    messages.push({ role: 'assistant', content: message.content });
    const calls = message.content.filter((block) => block.type === 'tool_use');
    if (calls.length === 0) {
      console.log(`turn ${turn}: answered`);
      const text = message.content.flatMap((block) => (block.type === 'text' ? [block.text] : [])).join('');
      return output('answered', turn, text);
    }
    const results = calls.map(({ id, name, input }): Anthropic.ToolResultBlockParam => {
      console.log(`turn ${turn}: ${name} ${JSON.stringify(input)}`);
      toolCalls.push(name);
      const { content, isError } = runTool(library, name, input);
      return { type: 'tool_result', tool_use_id: id, content, is_error: isError };
    });
    messages.push({ role: 'user', content: results });
  }
  return output('out_of_turns', task.maxTurns);
}

function fileOf(variable: 'WFLO_INPUT' | 'WFLO_OUTPUT'): string {
  const file = process.env[variable];
  if (file === undefined) throw new Error(`${variable} is not set`);
  return file;
}

const task = JSON.parse(readFileSync(fileOf('WFLO_INPUT'), 'utf8')) as Task;
// Address and key come from the environment.
writeFileSync(fileOf('WFLO_OUTPUT'), JSON.stringify(await research(new Anthropic(), new Library(corpus), task)));
