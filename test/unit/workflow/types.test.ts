import { expect, it } from 'vitest';
import { z } from 'zod';
import { eq, group, hours, lt, type Ref, text, workflow } from '../../../lib/index.ts';

/** Each `@ts-expect-error` is a test: the type check of the repository fails when TypeScript accepts the line. */
const input = z.object({
  name: z.string(),
  mode: z.enum(['fast', 'slow']).default('fast'),
  limit: z.number().optional(),
  tags: z.array(z.string()),
  maybe: z.number().nullable(),
});

it('gives references the types of their schemas', () => {
  const made = workflow('types', { input }, (w) => {
    const agent = w.sandbox('agent', {
      image: 'python',
      command: ['run', w.input.name, text`x${w.input.limit}`],
      output: z.object({ risk: z.number(), deep: z.object({ ids: z.array(z.string()) }) }),
    });
    const silent = w.sandbox('silent', { image: 'python', command: ['run'] });
    const kept = w.sandbox('kept', { image: 'python', command: ['run'], keepWorkspace: true });
    w.sandbox('carried', { image: 'python', command: ['run'], workspace: kept.workspace });
    const risk: Ref<number> = agent.output.risk;
    const ids: Ref<string[]> = agent.output.deep.ids;
    lt(w.input.limit, 3);
    eq(w.input.mode, 'slow');

    const asked = { from: [group('data-owners', 1)], within: hours(1) };
    const gate = w.approval('gate', { ...asked, subject: { ids: agent.output.deep.ids } });
    w.lambda('act', { function: './f.ts', effects: 'irreversible', requires: gate });
    w.lambda('erase', { function: './f.ts', effects: 'irreversible', approval: { ...asked, otherwise: 'reject' } });

    // @ts-expect-error an approval has a time limit
    w.lambda('bad', { function: './f.ts', effects: 'none', approval: { from: [group('data-owners', 1)] } });
    // @ts-expect-error 'maybe' is not what an expiry can mean
    w.lambda('bad', { function: './f.ts', effects: 'none', approval: { ...asked, otherwise: 'maybe' } });
    // @ts-expect-error a gate asks about something
    w.approval('bad', asked);
    // @ts-expect-error a group says how many of it are needed
    group('data-owners');
    // @ts-expect-error a name is no gate
    w.lambda('bad', { function: './f.ts', effects: 'none', requires: 'gate' });
    // @ts-expect-error an output is no gate
    w.lambda('bad', { function: './f.ts', effects: 'none', requires: agent.output });
    // @ts-expect-error a workspace is no gate
    w.lambda('bad', { function: './f.ts', effects: 'none', requires: kept.workspace });
    // @ts-expect-error a gate is no workspace
    w.sandbox('bad', { image: 'python', command: ['run'], workspace: gate });
    // @ts-expect-error a gate is no value
    w.sandbox('bad', { image: 'python', command: ['run'], input: { gate } });
    // @ts-expect-error a gate has no output
    void gate.output;
    // @ts-expect-error the input has no such field
    void w.input.nope;
    // @ts-expect-error the output has no such field
    void agent.output.deep.nope;
    // @ts-expect-error a scalar has no fields
    void agent.output.risk.value;
    // @ts-expect-error a list has no fields: it has no length before run time
    void agent.output.deep.ids.length;
    // @ts-expect-error a step without an output schema has no output
    void silent.output;
    // @ts-expect-error a step that keeps no workspace has none
    void silent.workspace;
    // @ts-expect-error nor has one that perhaps keeps it
    void w.sandbox('maybe', { image: 'python', command: ['run'], keepWorkspace: Math.random() > 2 }).workspace;
    // @ts-expect-error a workspace is no value
    w.sandbox('bad', { image: 'python', command: ['run'], input: { folder: kept.workspace } });
    // @ts-expect-error a workspace is no text
    w.sandbox('bad', { image: 'python', command: ['run', kept.workspace] });
    // @ts-expect-error an output is no workspace
    w.sandbox('bad', { image: 'python', command: ['run'], workspace: agent.output });
    // @ts-expect-error 'sloow' is not one of the words
    eq(w.input.mode, 'sloow');
    // @ts-expect-error a number is not compared with a string
    eq(agent.output.risk, '3');
    // @ts-expect-error booleans and lists have no order
    lt(w.input.tags, 3);
    // @ts-expect-error a value that may be null cannot be compared
    lt(w.input.maybe, 3);
    // @ts-expect-error a list is not text
    void text`${w.input.tags}`;
    // @ts-expect-error an object is not an argument of a command
    w.sandbox('bad', { image: 'python', command: [agent.output.deep] });
    // @ts-expect-error a lambda step must declare its effects
    w.lambda('bad', { function: './f.ts' });
    // @ts-expect-error a wait takes a number
    w.wait('bad', w.input.name);
    return { risk, ids };
  });
  expect(made.definition.output).toHaveProperty('object.risk.ref');
});
