import type { RecordedCall } from '../recorded-calls/recorded.ts';
import { ACCOUNT, arn, REGION } from './literals.ts';

/** A call that a function makes where the end-to-end tests do not surely get, or not at all. */
export interface UnrecordedCall extends RecordedCall {
  readonly reason: string;
}

type Made = readonly [action: string, resource: string];

function unrecorded(reason: string, made: Readonly<Record<string, readonly Made[]>>): readonly UnrecordedCall[] {
  return Object.entries(made).flatMap(([name, calls]) =>
    calls.map(([action, resource]) => ({ role: `${name}Role`, action, resource, presigned: false, reason })),
  );
}

const table = (name: string) => arn('dynamodb', `table/${name}`);
const objects = (prefix: string) => `arn:aws:s3:::artefacts/${prefix}/any`;
const task = arn('ecs', 'task/wflo-dev/id');
const tasks = arn('ecs', 'container-instance/wflo-dev/*');
const execution = arn('states', 'execution:wflo-dev-any:any');
const records = table('WorkflowdataprocessorResourcesRecords');

const READ: Made = ['s3:GetObject', objects('blobs')];
const WRITE: Made = ['s3:PutObject', objects('blobs')];

/** A row is gone once the call is recorded: the test says so. */
export const UNRECORDED: readonly UnrecordedCall[] = [
];
void [ACCOUNT, REGION, task, tasks, execution, records, READ, WRITE, unrecorded];
