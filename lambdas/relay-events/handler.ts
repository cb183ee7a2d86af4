import type { DynamoDBStreamEvent } from 'aws-lambda';
import { platformHandler } from '../shared/platform-handler.ts';
import { auditStore, clock, eventBus, ids, outboxStore } from '../shared/ports.ts';
import { logger, metrics } from '../shared/powertools.ts';
import { type Relayed, relayStream } from './relay-stream.ts';

export const handler = platformHandler<DynamoDBStreamEvent, Relayed>(
  { summarise: (relayed) => ({ ...relayed }) },
  async ({ Records }) => {
    const ports = { outbox: outboxStore(), audit: auditStore(), bus: eventBus(), clock, ids };
    const relayed = await relayStream(ports, Records);
    if (relayed.gaps > 0) metrics.addMetric('AuditGaps', 'Count', relayed.gaps);
    if (relayed.unknown > 0) {
      metrics.addMetric('UnknownOutboxItems', 'Count', relayed.unknown);
      logger.error('stream records without the key of an outbox item', { count: relayed.unknown });
    }
    return relayed;
  },
);
