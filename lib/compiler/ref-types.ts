import type { WorkflowDefinition } from '../workflow/definition.ts';
import type { RefData } from '../workflow/template.ts';
import { type Field, fieldAt, type ScalarType, scalarType } from './schema-field.ts';
import { actingStepsOf } from './steps-of.ts';

/** The field that a reference names; undefined where its source has no schema. */
export function fieldOf(ref: RefData, definition: WorkflowDefinition): Field | undefined {
  const { source } = ref;
  const schema =
    source.from === 'input'
      ? definition.inputSchema
      : actingStepsOf(definition.body).find(({ path }) => path === source.step)?.outputSchema;
  return schema && fieldAt(schema, ref.path);
}

/** The scalar type that a reference always has; undefined where it may have another or none. */
export function scalarTypeOf(ref: RefData, definition: WorkflowDefinition): ScalarType | undefined {
  const field = fieldOf(ref, definition);
  return field?.found === true && !field.mayBeAbsent ? scalarType(field.schemas) : undefined;
}
