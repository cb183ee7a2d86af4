import { expect, it } from 'vitest';
import type { AgentRun } from './run-agent.ts';
import type { ScriptedProvider } from './scripted-provider/scripted-provider.ts';

export interface Task {
  readonly question: string;
  readonly maxTurns: number;
  readonly maxOutputTokens: number;
}

export const TASK: Task = {
  question: 'What does the diesel of the Aurora cost on a day in summer?',
  maxTurns: 8,
  maxOutputTokens: 300,
};

/** What a model would do: look, read two documents, calculate, answer. */
export const TURNS = [
  {
    text: 'I will look for the consumption and the price.',
    toolCalls: [{ name: 'search', arguments: { query: 'diesel Aurora' } }],
  },
  {
    toolCalls: [
      { name: 'read', arguments: { id: 'fleet' } },
      { name: 'read', arguments: { id: 'energy' } },
    ],
  },
  { toolCalls: [{ name: 'calculate', arguments: { expression: '8 * 50 / 60 * 310 * 0.92' } }] },
  { text: 'She burns 310 litres an hour [fleet] at 0.92 a litre [energy], so 1,901 a day [timetable].' },
];

/** What a research agent does, in whatever language. `run` runs it as a process against the provider. */
export function itResearches(provider: () => ScriptedProvider, run: (given: Partial<Task>) => Promise<AgentRun>): void {
  it('searches, reads, calculates and answers, with what it has read as its sources', async () => {
    provider().script = { turns: TURNS };
    const { output } = await run({});
    expect(output).toEqual({
      outcome: 'answered',
      answer: TURNS[3]?.text,
      citations: [
        { id: 'fleet', title: 'The fleet' },
        { id: 'energy', title: 'Fuel and electricity' },
      ],
      read: ['fleet', 'energy'],
      toolCalls: ['search', 'read', 'read', 'calculate'],
      turns: 4,
    });
    const last = provider().requests.at(-1)?.body ?? '';
    expect(last).toContain('burns 310 litres');
    expect(last).toMatch(/1901\.3/);
    expect(provider().requests).toHaveLength(4);
  });

  it('hands over what it has read when its budget ends, and does not try again', async () => {
    const message = 'budget exhausted: 0.0004 of 0.25 left';
    provider().enqueue(...TURNS.slice(0, 2).map((turn) => ({ turns: [turn, turn, turn] })), {
      status: 402,
      message,
      headers: { 'x-should-retry': 'false' },
    });
    const { output } = await run({});
    expect(output).toMatchObject({ outcome: 'out_of_budget', answer: '', read: ['fleet', 'energy'], turns: 2 });
    expect((output as { refusal: string }).refusal).toContain(message);
    expect(provider().requests).toHaveLength(3);
  });

  it('ends after as many turns as it was given', async () => {
    provider().script = { turns: Array.from({ length: 9 }, () => TURNS[0] ?? {}) };
    expect((await run({ maxTurns: 3 })).output).toMatchObject({ outcome: 'out_of_turns', turns: 3 });
    expect(provider().requests).toHaveLength(3);
  });

  it('tells the model of its mistakes', async () => {
    const calls = [
      { name: 'read', arguments: { id: 'nothing' } },
      { name: 'calculate', arguments: { expression: 'import os' } },
      { name: 'calculate', arguments: { expression: '1 / 0' } },
      { name: 'delete', arguments: {} },
      { name: 'search', arguments: {} },
    ];
    provider().script = { turns: [{ toolCalls: calls }, { text: 'I do not know.' }] };
    expect((await run({})).output).toMatchObject({ outcome: 'answered', citations: [], read: [] });
    expect(
      provider()
        .requests.at(-1)
        ?.body.match(/\\"error\\":/g),
    ).toHaveLength(5);
  });

  it('fails when the provider does', async () => {
    provider().script = { status: 400, message: 'no such model' };
    await expect(run({})).rejects.toThrow('no such model');
  });
}
