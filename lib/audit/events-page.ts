import { z } from 'zod';
import type { JsonSchema } from '../json.ts';
import { EVENT_CATALOGUE, eventEnvelope } from './catalogue.ts';
import { EVENT_TYPES, type EventType } from './events.ts';

/**
 * JSON Schema (draft 2020-12) of `data` of a type. Readers must take fields that they do not know, so none is forbidden.
 */
export function eventDataSchema(type: EventType): JsonSchema {
  return z.toJSONSchema(EVENT_CATALOGUE[type].data, { io: 'input' }) as JsonSchema;
}

/** The text of `docs/events.md`: the catalogue for readers. */
export function eventsPage(): string {
  return `# Events

<!-- Written from lib/audit/catalogue.ts: UPDATE_DOCS=1 npx vitest run --project unit test/unit/audit/events-page.test.ts -->

Every change of an execution is told by an event that is written in the same transaction. The events of an execution form
a chain (\`wflo events <execution>\`, checked by \`wflo audit verify <execution>\`) and arrive on the EventBridge bus
\`wflo-<stage>\` with source \`wflo\`, the event type as detail-type, and as detail the event with \`seq\`, \`prevHash\` and
\`hash\` of its place in the chain. On the bus an event can arrive more than once: \`eventId\` tells. Where \`data\` would make an
event larger than 256 KB, the bus carries \`{ "omittedBytes": … }\` instead, and the chain the whole event.

| field | type | |
|---|---|---|
${rows(eventEnvelope, ENVELOPE_MEANING)}

\`hash\` is the SHA-256 over the canonical JSON (RFC 8785) of \`{ seq, prevHash, event }\`; \`prevHash\` of the first record is 64 zeros.

## Types
${EVENT_TYPES.map(section).join('')}`;
}

const ENVELOPE_MEANING: { readonly [field: string]: string } = {
  eventId: 'ULID',
  eventType: 'one of the types below',
  timestamp: 'ISO 8601, UTC, milliseconds',
  version: 'of the event format; counted up when a field changes its meaning',
  executionId: '`<workflow>:<name>`',
  stepPath: 'where the event is about a step',
  attempt: 'from 1, where the event is about an attempt',
  correlationId: 'the execution id',
  traceId: 'X-Ray trace id where there is one, else the execution id',
  actor: 'who did it, and the door it came through',
  data: 'depends on the type',
};

function section(type: EventType): string {
  const { description, data } = EVENT_CATALOGUE[type];
  const fields =
    Object.keys(data.shape).length === 0 ? '`data` is empty.' : `| \`data\` | type |\n|---|---|\n${rows(data)}`;
  return `\n### ${type}\n\n${description}\n\n${fields}\n`;
}

function rows(object: z.ZodObject, meaning?: { readonly [field: string]: string }): string {
  const { properties = {}, required = [] } = z.toJSONSchema(object, { io: 'input' });
  return Object.entries(properties)
    .map(([field, schema]) => {
      const name = required.includes(field) ? `\`${field}\`` : `\`${field}\`?`;
      const type = typeText(schema as SchemaPart);
      return meaning === undefined ? `| ${name} | ${type} |` : `| ${name} | ${type} | ${meaning[field] ?? ''} |`;
    })
    .join('\n');
}

interface SchemaPart {
  readonly type?: string;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly anyOf?: readonly SchemaPart[];
  readonly pattern?: string;
  readonly properties?: { readonly [field: string]: SchemaPart };
  readonly required?: readonly string[];
}

function typeText(schema: SchemaPart): string {
  if (schema.const !== undefined) return `\`"${schema.const}"\``;
  if (schema.enum !== undefined)
    return schema.enum.length > 8 ? 'string' : schema.enum.map((one) => `\`"${one}"\``).join(' or ');
  if (schema.anyOf !== undefined) return schema.anyOf.map(typeText).join(' or ');
  if (schema.properties !== undefined) {
    const fields = Object.entries(schema.properties).map(
      ([field, part]) => `${field}${schema.required?.includes(field) ? '' : '?'}: ${typeText(part)}`,
    );
    return `{ ${fields.join(', ')} }`;
  }
  if (schema.pattern === '^[0-9a-f]{64}$') return 'hex SHA-256';
  return schema.type ?? 'any';
}
