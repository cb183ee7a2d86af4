import type { DynamoDBRecord } from 'aws-lambda';
import { isApprovalId } from '../../lib/approvals/approval-id.ts';
import { DECISION_EVENTS, type ResumePorts, resumeApproval } from '../../lib/approvals/resume.ts';
import { plainImage } from '../shared/stream-image.ts';

/** What the stream of the outbox brings, and what `reconcile` sends for approvals that were overlooked. */
export type ResumeEvent = { readonly Records: readonly DynamoDBRecord[] } | { readonly approvalIds: readonly string[] };

/**
 * Resumes what was decided, all of a batch at once: they have nothing to do with each other. It throws when one fails, so
 * that the batch comes again; those that were resumed are resumed already then.
 */
export async function resumeDecided(ports: ResumePorts, event: ResumeEvent): Promise<{ readonly resumed: number }> {
  const approvalIds = 'approvalIds' in event ? event.approvalIds : event.Records.flatMap(decidedIn);
  const results = await Promise.allSettled([...new Set(approvalIds)].map((id) => resumeApproval(ports, id)));
  const failed = results.find((result) => result.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
  return { resumed: results.filter((result) => result.status === 'fulfilled' && result.value === 'resumed').length };
}

/** Approvals that an outbox item says were decided. What cannot be read is the relay's to report. */
function decidedIn({ eventName, dynamodb }: DynamoDBRecord): readonly string[] {
  if (eventName !== 'INSERT' || dynamodb?.NewImage === undefined) return [];
  const { events } = imageOf(dynamodb.NewImage);
  if (!Array.isArray(events)) return [];
  return events.flatMap((event: { eventType?: unknown; data?: { approvalId?: unknown } } | null) =>
    typeof event?.eventType === 'string' &&
    (DECISION_EVENTS as readonly string[]).includes(event.eventType) &&
    typeof event.data?.approvalId === 'string' &&
    isApprovalId(event.data.approvalId)
      ? [event.data.approvalId]
      : [],
  );
}

function imageOf(image: Parameters<typeof plainImage>[0]): { readonly [name: string]: unknown } {
  try {
    return plainImage(image);
  } catch (error) {
    if (error instanceof TypeError) return {};
    throw error;
  }
}
