import { WfloError } from '../errors.ts';
import { SCHEMA } from './records.ts';

/** State data of this version and of the one before is accepted, so that a deploy breaks no open execution. */
export function expectSchema(schema: number): void {
  if (schema === SCHEMA || schema === SCHEMA - 1) return;
  throw new WfloError('internal', `state data of schema ${schema} cannot be read by a function of schema ${SCHEMA}`, {
    fix: 'deploy the workflow and the platform in the same version',
  });
}
