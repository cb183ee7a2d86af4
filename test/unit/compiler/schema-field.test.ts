import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { fieldAt, isText, scalarType } from '../../../lib/compiler/schema-field.ts';
import { representSchema } from '../../../lib/workflow/json-schema.ts';

function field(schema: z.ZodType, ...path: readonly string[]) {
  const representation = representSchema(schema);
  if (!representation.ok) throw new Error(representation.reasons.join());
  const found = fieldAt(representation.schema, path);
  if (!found.found) return `no ${found.at}`;
  return {
    type: scalarType(found.schemas),
    text: isText(found.schemas),
    ...(found.mayBeAbsent ? { mayBeAbsent: true } : {}),
  };
}

describe('fields of a schema', () => {
  it('have a scalar type, through enums, literals and unions of one type', () => {
    expect(field(z.object({ a: z.enum(['x', 'y']) }), 'a')).toEqual({ type: 'string', text: true });
    expect(field(z.object({ a: z.literal(3) }), 'a')).toEqual({ type: 'number', text: true });
    expect(field(z.object({ a: z.union([z.int(), z.number()]) }), 'a')).toEqual({ type: 'number', text: true });
    expect(field(z.object({ a: z.int() }), 'a')).toEqual({ type: 'integer', text: true });
    expect(field(z.boolean())).toEqual({ type: 'boolean', text: true });
  });

  it('have none where they may be null or of two types, or are no scalars', () => {
    expect(field(z.object({ a: z.string().nullable() }), 'a')).toEqual({ type: undefined, text: false });
    expect(field(z.object({ a: z.union([z.string(), z.number()]) }), 'a')).toEqual({ type: undefined, text: true });
    expect(field(z.object({ a: z.array(z.string()) }), 'a')).toEqual({ type: undefined, text: false });
  });

  it('may be absent when they, or what holds them, are optional; never with a default', () => {
    const schema = z.object({
      a: z.string().optional(),
      b: z.object({ c: z.string() }).optional(),
      d: z.string().default('x'),
    });
    expect(field(schema, 'a')).toMatchObject({ mayBeAbsent: true });
    expect(field(schema, 'b', 'c')).toMatchObject({ mayBeAbsent: true });
    expect(field(schema, 'd')).not.toHaveProperty('mayBeAbsent');
  });

  it('are found in every member of a union, in intersections, records and recursive schemas', () => {
    const union = z.discriminatedUnion('kind', [
      z.object({ kind: z.literal('a'), both: z.string(), onlyA: z.string() }),
      z.object({ kind: z.literal('b'), both: z.string() }),
    ]);
    expect(field(union, 'kind')).toEqual({ type: 'string', text: true });
    expect(field(union, 'both')).toEqual({ type: 'string', text: true });
    expect(field(union, 'onlyA')).toBe('no onlyA');
    expect(field(z.intersection(z.object({ a: z.string() }), z.object({ b: z.int() })), 'b')).toMatchObject({
      type: 'integer',
    });
    expect(field(z.record(z.string(), z.number()), 'any')).toMatchObject({ type: 'number' });
    const tree = z.object({
      name: z.string(),
      get child() {
        return tree.optional();
      },
    });
    expect(field(tree, 'child', 'child', 'name')).toEqual({ type: 'string', text: true, mayBeAbsent: true });
  });

  it('are not those of lists, scalars or what an object has by itself', () => {
    expect(field(z.object({ a: z.array(z.string()) }), 'a', '0')).toBe('no 0');
    expect(field(z.object({ a: z.string() }), 'a', 'length')).toBe('no length');
    expect(field(z.object({}), 'constructor')).toBe('no constructor');
    expect(field(z.object({ a: z.unknown() }), 'a', 'b')).toBe('no b');
  });
});
