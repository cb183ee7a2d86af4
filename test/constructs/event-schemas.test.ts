import { describe, expect, it } from 'vitest';
import { EVENT_TYPES } from '../../lib/audit/events.ts';
import { synthesiseStage } from '../_helpers/synthesised-stage.ts';

describe('the schema registry', () => {
  it('has a draft 4 schema of every event, whose detail names its type', async () => {
    const { ofType } = await synthesiseStage();
    expect(ofType('AWS::EventSchemas::Registry').map(({ Properties }) => Properties.RegistryName)).toEqual([
      'wflo-dev',
    ]);
    const schemas = ofType('AWS::EventSchemas::Schema').map(({ Properties }) => Properties);
    expect(schemas.map(({ SchemaName }) => SchemaName).sort()).toEqual(
      EVENT_TYPES.map((type) => `wflo@${type}`).sort(),
    );
    for (const { SchemaName, Type, Content } of schemas) {
      const schema = JSON.parse(Content);
      expect(Type).toBe('JSONSchemaDraft4');
      expect(schema.$schema).toBe('http://json-schema.org/draft-04/schema#');
      expect(`wflo@${schema.properties['detail-type'].enum[0]}`).toBe(SchemaName);
      expect(schema.properties.detail.properties.data.anyOf).toHaveLength(2);
    }
  });

  it('is left out where the emulator does not know it', async () => {
    const { ofType } = await synthesiseStage({ 'wflo:endpoint': 'https://localhost:4566' });
    expect(ofType('AWS::EventSchemas::Schema')).toEqual([]);
    expect(ofType('AWS::EventSchemas::Registry')).toEqual([]);
  });
});
