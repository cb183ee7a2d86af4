/** What the provider of the benchmark does with a call, written into its prompt. */
export interface Directive {
  /** Tokens that it reports and charges. */
  readonly input?: number;
  readonly output?: number;
  /** Before it answers. */
  readonly delayMs?: number;
  /** Pieces of a streamed text, and the time between them. */
  readonly events?: number;
  readonly eventDelayMs?: number;
  /** A status of 500, or an answer that breaks off. */
  readonly fails?: 'status' | 'break';
}

/** Within JSON without being escaped: `#bench input=12 output=16#`. */
export function directiveText(directive: Directive): string {
  return `#bench ${Object.entries(directive)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ')}#`;
}

export function directiveOf(body: string): Directive {
  const at = body.indexOf('#bench ');
  if (at === -1) return {};
  const text = body.slice(at + 7, body.indexOf('#', at + 7));
  return Object.fromEntries(
    text.split(' ').map((pair) => {
      const [name = '', value = ''] = pair.split('=');
      return [name, name === 'fails' ? value : Number(value)];
    }),
  );
}
