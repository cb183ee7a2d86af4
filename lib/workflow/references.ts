import type { RefData, RefSource } from './template.ts';

declare const VALUE: unique symbol;

/** A reference to a value of type `T` that exists only at run time. */
export interface Leaf<T> {
  readonly [VALUE]: T;
}

/** `Leaf`, and a reference per field where `T` is an object. Lists and scalars have no fields. */
export type Ref<T> = Leaf<T> &
  ([NonNullable<T>] extends [readonly unknown[]]
    ? unknown
    : [NonNullable<T>] extends [object]
      ? { readonly [K in keyof NonNullable<T>]-?: Ref<Exclude<NonNullable<T>[K], undefined>> }
      : unknown);

/** Hears of every use of a reference that would turn it into something else while the definition is being built. */
export interface RefObserver {
  /** The reference is becoming text; the answer is the text, by which it can be found again. */
  becameText(ref: RefData): string;
  /** The reference was spread, iterated or listed. */
  takenApart(ref: RefData): void;
}

interface RefIdentity {
  readonly data: RefData;
  readonly observer: RefObserver;
}

/** References are known by identity: nothing in the data of a user can look like one. */
const identities = new WeakMap<object, RefIdentity>();

export function refIdentity(value: unknown): RefIdentity | undefined {
  return typeof value === 'object' && value !== null ? identities.get(value) : undefined;
}

/** `input.customer.id`, `plan.output`. */
export function refText(ref: RefData): string {
  return [ref.source.from === 'input' ? 'input' : `${ref.source.step}.output`, ...ref.path].join('.');
}

const TEXT_METHODS: readonly string[] = ['toString', 'valueOf', 'toJSON', 'toLocaleString'];

/** A proxy whose every field is a reference to that field. It never throws: misuse goes to the observer. */
export function makeRef<T>(source: RefSource, observer: RefObserver, path: readonly string[] = []): Ref<T> {
  const data: RefData = { source, path };
  const fields = new Map<string, unknown>();
  const proxy: object = new Proxy(Object.freeze(Object.create(null)), {
    get(_target, key) {
      if (key === Symbol.toPrimitive) return () => observer.becameText(data);
      if (key === Symbol.iterator) {
        observer.takenApart(data);
        return () => [].values();
      }
      if (typeof key === 'symbol') return undefined;
      if (TEXT_METHODS.includes(key)) return () => observer.becameText(data);
      const field = fields.get(key) ?? makeRef(source, observer, [...path, key]);
      fields.set(key, field);
      return field;
    },
    ownKeys() {
      observer.takenApart(data);
      return [];
    },
  });
  identities.set(proxy, { data, observer });
  return proxy as Ref<T>;
}
