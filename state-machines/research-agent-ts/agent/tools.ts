import type Anthropic from '@anthropic-ai/sdk';
import { calculate } from './calculate.ts';
import type { Library } from './library.ts';

export const TOOLS: Anthropic.Tool[] = [
  tool('search', 'Finds documents of the library by words. Returns ids, titles and how well each fits.', 'query'),
  tool('read', 'Reads one document of the library.', 'id'),
  tool('calculate', 'Calculates with numbers, + - * / and parentheses, such as 8 * 50 / 60 * 310.', 'expression'),
];

function tool(name: string, description: string, parameter: string): Anthropic.Tool {
  const properties = { [parameter]: { type: 'string' } };
  return { name, description, input_schema: { type: 'object', properties, required: [parameter] } };
}

export interface ToolResult {
  /** JSON for the model. */
  readonly content: string;
  readonly isError: boolean;
}

/** Mistakes of the model are told to it, and do not end the agent. */
export function runTool(library: Library, name: string, input: unknown): ToolResult {
  try {
    return { content: JSON.stringify(resultOf(library, name, input)), isError: false };
  } catch (error) {
    return {
      content: JSON.stringify({ error: error instanceof Error ? error.message : String(error) }),
      isError: true,
    };
  }
}

function resultOf(library: Library, name: string, input: unknown): unknown {
  switch (name) {
    case 'search':
      return library.search(textOf(input, 'query'));
    case 'read': {
      const id = textOf(input, 'id');
      const found = library.read(id);
      if (found === undefined) throw new Error(`there is no document ${id}, only ${library.ids.join(', ')}`);
      return found;
    }
    case 'calculate':
      return { result: calculate(textOf(input, 'expression')) };
    default:
      throw new Error(`there is no tool ${name}`);
  }
}

function textOf(input: unknown, name: string): string {
  const value = typeof input === 'object' && input !== null ? (input as Record<string, unknown>)[name] : undefined;
  if (typeof value !== 'string') throw new Error(`"${name}" has to be a text`);
  return value;
}
