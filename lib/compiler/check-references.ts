import type { Block, Condition, Step, WorkflowDefinition } from '../workflow/definition.ts';
import { refText } from '../workflow/references.ts';
import { type RefData, refsOf, type Template } from '../workflow/template.ts';
import type { Report } from './findings.ts';
import { fieldOf, scalarTypeOf } from './ref-types.ts';
import { isText, type ScalarType } from './schema-field.ts';
import { type ActingStep, actingStepsOf, stepsOf } from './steps-of.ts';

/** Names of the steps that have certainly run. */
type Available = ReadonlySet<string>;

/** That every reference names a field that exists, of a step that has run, and a scalar where ASL or text needs one. */
export function checkReferences(definition: WorkflowDefinition, report: Report): void {
  const check = new ReferenceCheck(definition, report);
  const available = check.block(definition.body, new Set());
  check.template(definition.output, 'output', available);
}

class ReferenceCheck {
  readonly #definition: WorkflowDefinition;
  readonly #report: Report;
  readonly #acting: ReadonlySet<string>;
  readonly #all: ReadonlySet<string>;

  constructor(definition: WorkflowDefinition, report: Report) {
    this.#definition = definition;
    this.#report = report;
    this.#acting = new Set(actingStepsOf(definition.body).map(({ path }) => path));
    this.#all = new Set(stepsOf(definition.body).map(({ path }) => path));
  }

  /** Checks a block and answers what is available after it. */
  block(block: Block, before: Available): Available {
    return block.reduce((available, step) => this.#step(step, available), before);
  }

  template(template: Template, place: string, available: Available): void {
    for (const ref of textRefs(template)) this.#text(ref, place);
    for (const ref of refsOf(template)) this.#ref(ref, place, available);
  }

  #step(step: Step, available: Available): Available {
    const { path } = step;
    switch (step.kind) {
      case 'sandbox':
        step.command.forEach((part, index) => {
          this.template(part, `${path}.command[${index}]`, available);
        });
        for (const [name, value] of Object.entries(step.env)) this.template(value, `${path}.env.${name}`, available);
        this.template(step.input, `${path}.input`, available);
        if (step.workspaceFrom !== undefined) this.#workspace(step.workspaceFrom, `${path}.workspace`, available);
        this.#gate(step, available);
        return new Set([...available, path]);
      case 'lambda':
        this.template(step.with, `${path}.with`, available);
        this.#gate(step, available);
        return new Set([...available, path]);
      case 'approval':
        this.template(step.subject, `${path}.subject`, available);
        return new Set([...available, path]);
      case 'wait':
        if ('secondsFrom' in step.duration) this.#wait(step.duration.secondsFrom, path, available);
        return available;
      case 'when':
        this.#condition(step.condition, `${path}.condition`, available);
        this.block(step.then, available);
        this.block(step.otherwise, available);
        return available;
      case 'parallel': {
        const after = Object.values(step.branches).map((block) => this.block(block, available));
        return new Set([...available, ...after.flatMap((names) => [...names])]);
      }
    }
  }

  /** False, with a finding, where the reference cannot be resolved. */
  #ref(ref: RefData, place: string, available: Available): boolean {
    const { source } = ref;
    if (source.from === 'step' && !(this.#acting.has(source.step) && available.has(source.step))) {
      this.#unavailable({ what: `${refText(ref)} is the output`, step: source.step, kept: 'output', place });
      return false;
    }
    const field = fieldOf(ref, this.#definition);
    if (field === undefined) {
      this.#report(
        'unknown_reference',
        place,
        `${refText(ref)} is the output of a step that declares none`,
        'give that step an output schema: output: z.object({ … })',
      );
      return false;
    }
    if (field.found) return true;
    this.#report(
      'unknown_reference',
      place,
      `${refText(ref)} names the field "${field.at}", which the schema does not have`,
      field.known.length === 0
        ? 'reference the value as a whole; it has no declared fields'
        : `use one of: ${field.known.join(', ')}`,
    );
    return false;
  }

  #workspace(from: string, place: string, available: Available): void {
    if (!available.has(from)) {
      this.#unavailable({ what: `"${from}".workspace is the folder`, step: from, kept: 'workspace', place });
      return;
    }
    const step = actingStepsOf(this.#definition.body).find(({ path }) => path === from);
    if (step?.kind === 'sandbox' && step.keepWorkspace) return;
    this.#report(
      'workspace_not_kept',
      place,
      `"${from}" keeps no workspace`,
      step?.kind === 'sandbox' ? `give "${from}" the option keepWorkspace: true` : 'name a sandbox step',
    );
  }

  /** A gate that has not asked has approved nothing. */
  #gate({ path, requires }: ActingStep, available: Available): void {
    if (requires === undefined) return;
    const isGate = stepsOf(this.#definition.body).some((step) => step.kind === 'approval' && step.path === requires);
    if (isGate && available.has(requires)) return;
    this.#report(
      'approval_not_bound',
      `${path}.requires`,
      isGate
        ? `the gate "${requires}" may not have asked when the step needs its approval`
        : `no gate has the name "${requires}"`,
      'require a gate that comes before in the same block or around it, not one of another branch or of a `when`',
    );
  }

  /** The step did not certainly run, or is none that has what is asked of it. */
  #unavailable(use: { what: string; step: string; kept: 'output' | 'workspace'; place: string }): void {
    const { what, step, kept, place } = use;
    if (this.#acting.has(step)) {
      this.#report(
        'reference_may_not_have_run',
        place,
        `${what} of a step that may not have run when it is needed`,
        'reference steps that come before in the same block or around it, not those of another branch or of a `when`',
      );
      return;
    }
    this.#report(
      'unknown_reference',
      place,
      this.#all.has(step) ? `"${step}" has no ${kept}` : `no step has the name "${step}"`,
      `reference the ${kept} of a sandbox${kept === 'output' ? ' or lambda' : ''} step of this workflow`,
    );
  }

  #text(ref: RefData, place: string): void {
    const field = fieldOf(ref, this.#definition);
    if (field?.found !== true || isText(field.schemas)) return;
    this.#report(
      'not_a_scalar',
      place,
      `${refText(ref)} is put into text, but it is not always a string, number or boolean`,
      'reference a scalar field, or pass the value through `input`',
    );
  }

  #wait(ref: RefData, place: string, available: Available): void {
    if (!this.#ref(ref, place, available)) return;
    const field = fieldOf(ref, this.#definition);
    const [schema] = field?.found === true ? field.schemas : [];
    if (schema === undefined) return;
    const positive = Number(schema.minimum ?? schema.exclusiveMinimum ?? -1) >= 0;
    if (scalarTypeOf(ref, this.#definition) === 'integer' && positive) return;
    this.#report(
      'not_a_scalar',
      place,
      `the wait takes its seconds from ${refText(ref)}, which is not always a whole number of at least 0`,
      'declare the field as z.number().int().nonnegative(), required or with a default',
    );
  }

  #condition(condition: Condition, place: string, available: Available): void {
    if ('condition' in condition) {
      this.#condition(condition.condition, place, available);
      return;
    }
    if ('conditions' in condition) {
      for (const part of condition.conditions) this.#condition(part, place, available);
      return;
    }
    const { op, left, right } = condition;
    const leftType = this.#scalar(left, place, available);
    const rightType = typeof right === 'object' ? this.#scalar(right, place, available) : literalType(right);
    if (typeof right === 'string' && right.includes('${')) {
      this.#report(
        'invalid_value',
        place,
        `the condition compares with ${JSON.stringify(right)}, and \${ would be read as a placeholder`,
        'let the step report a plain word, and compare with that',
      );
    }
    if (leftType === undefined || rightType === undefined) return;
    if (kindOf(leftType) !== kindOf(rightType)) {
      this.#report(
        'not_a_scalar',
        place,
        `${op} compares ${refText(left)}, a ${leftType}, with a ${rightType}`,
        'compare values of the same type',
      );
    } else if (leftType === 'boolean' && op !== 'eq' && op !== 'ne') {
      this.#report('not_a_scalar', place, `${op} cannot order booleans`, 'use eq or ne');
    }
  }

  #scalar(ref: RefData, place: string, available: Available): ScalarType | undefined {
    if (!this.#ref(ref, place, available)) return undefined;
    const type = scalarTypeOf(ref, this.#definition);
    if (type !== undefined) return type;
    const field = fieldOf(ref, this.#definition);
    if (field?.found === true && field.schemas.length === 0) return undefined;
    this.#report(
      'not_a_scalar',
      place,
      `the condition compares ${refText(ref)}, which is not always one string, number or boolean`,
      'compare a field of one scalar type that is required or has a default, and is never null',
    );
    return undefined;
  }
}

/** References that stand in a text. */
function textRefs(template: Template): readonly RefData[] {
  if ('text' in template) return refsOf(template);
  if ('list' in template) return template.list.flatMap(textRefs);
  return 'object' in template ? Object.values(template.object).flatMap(textRefs) : [];
}

function literalType(value: string | number | boolean): ScalarType {
  return typeof value === 'string' ? 'string' : typeof value === 'number' ? 'number' : 'boolean';
}

function kindOf(type: ScalarType): ScalarType {
  return type === 'integer' ? 'number' : type;
}
