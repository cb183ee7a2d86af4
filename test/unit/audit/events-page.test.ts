import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { EVENT_TYPES } from '../../../lib/audit/events.ts';
import { eventDataSchema, eventsPage } from '../../../lib/audit/events-page.ts';

const page = resolve(import.meta.dirname, '../../../docs/events.md');

describe('docs/events.md', () => {
  it('is what the catalogue says', () => {
    if (process.env.UPDATE_DOCS === '1') writeFileSync(page, eventsPage());
    expect(
      readFileSync(page, 'utf8'),
      'run UPDATE_DOCS=1 npx vitest run --project unit test/unit/audit/events-page.test.ts',
    ).toBe(eventsPage());
  });

  it('has a section of every type, and no other', () => {
    const sections = [...eventsPage().matchAll(/^### (.+)$/gm)].map((match) => match[1]);
    expect(sections).toEqual([...EVENT_TYPES]);
  });
});

describe('the JSON Schema of an event', () => {
  it.each(EVENT_TYPES)('is a schema that takes fields of later versions: %s', (type) => {
    const schema = eventDataSchema(type);
    expect(() => new Ajv2020({ strict: false }).compile(schema)).not.toThrow();
    expect(schema).not.toHaveProperty('additionalProperties', false);
  });

  it('refuses data without a required field', () => {
    const validate = new Ajv2020({ strict: false }).compile(eventDataSchema('step.retried'));
    expect(validate({ reason: 'sandbox_lost', waitSeconds: 4, later: true })).toBe(true);
    expect(validate({ reason: 'sandbox_lost' })).toBe(false);
  });
});
