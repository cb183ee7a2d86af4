import type { ErrorCode } from '../errors.ts';
import type { Finding } from './definition.ts';
import { HANDED_ON_FIX, type HandedOn, type HandedOnObserver, handedOnText } from './handed-on.ts';
import { type RefObserver, refText } from './references.ts';
import type { RefData } from './template.ts';

/** Text that stands where a reference became text, so that the place can be named once it is seen. */
const MARK = /⟦wflo reference (\d+)⟧/g;

interface TextUse {
  readonly what: string;
  readonly fix: string;
  readonly places: Set<string>;
}

/** Gathers what is wrong while a definition is being built. Nothing here throws. */
export class FindingCollector implements RefObserver, HandedOnObserver {
  readonly #workflow: string;
  readonly #findings: Finding[] = [];
  readonly #textUses: TextUse[] = [];

  constructor(workflow: string) {
    this.#workflow = workflow;
  }

  /** `place` is a step with a property (`plan.command[1]`), or '' for the workflow itself. */
  add(code: ErrorCode, place: string, reason: string, fix: string): void {
    this.#findings.push({ code, path: this.#path(place), reason, fix });
  }

  becameText(ref: RefData): string {
    const name = refText(ref);
    return this.#mark(`the reference ${name}`, `use the tag: text\`…\${${name}}…\`, or pass the reference alone`);
  }

  handedOnBecameText(what: HandedOn): string {
    return this.#mark(handedOnText(what), HANDED_ON_FIX[what.kind]);
  }

  takenApart(ref: RefData): void {
    this.add(
      'invalid_value',
      '',
      `the reference ${refText(ref)} was spread, listed or iterated, but it has no value before run time`,
      'pass the reference as it is, or name each field that you need',
    );
  }

  /** Looks for a reference that became text in a literal of a definition. */
  sawLiteral(literal: string, place: string): void {
    for (const [, index] of literal.matchAll(MARK)) this.#textUses[Number(index)]?.places.add(place);
  }

  findings(): readonly Finding[] {
    const inText = this.#textUses.flatMap(({ what, fix, places }) =>
      (places.size === 0 ? [''] : [...places]).map(
        (place): Finding => ({
          code: 'reference_in_text',
          path: this.#path(place),
          reason: `${what} was turned into text, but it has no value before run time`,
          fix,
        }),
      ),
    );
    return [...this.#findings, ...inText];
  }

  #mark(what: string, fix: string): string {
    this.#textUses.push({ what, fix, places: new Set() });
    return `⟦wflo reference ${this.#textUses.length - 1}⟧`;
  }

  #path(place: string): string {
    return place === '' ? this.#workflow : `${this.#workflow}/${place}`;
  }
}
