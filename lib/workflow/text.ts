import type { Leaf } from './references.ts';

declare const TEXT: unique symbol;

/** Text that is put together at run time. Made by the `text` tag. */
export interface Text {
  readonly [TEXT]: true;
}

type Part = string | number | boolean | Text | Leaf<string> | Leaf<number> | Leaf<boolean>;

const parts = new WeakMap<object, readonly unknown[]>();

/**
 * Concatenation: text`https://api.example.com/orders/${w.input.orderId}`. A plain template literal cannot do this,
 * because JavaScript would make the reference into text while the definition is being built.
 */
export function text(strings: TemplateStringsArray, ...values: readonly Part[]): Text {
  const made = Object.freeze({}) as unknown as Text;
  parts.set(
    made,
    strings.flatMap((literal, index) => (index < values.length ? [literal, values[index]] : [literal])),
  );
  return made;
}

/** What a text is made of, literals and values in turn; undefined for anything that `text` did not make. */
export function textParts(value: unknown): readonly unknown[] | undefined {
  return typeof value === 'object' && value !== null ? parts.get(value) : undefined;
}
