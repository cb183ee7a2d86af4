import { CfnRegistry, CfnSchema } from 'aws-cdk-lib/aws-eventschemas';
import { Construct } from 'constructs';
import { busEventSchema } from '../../audit/bus-event-schema.ts';
import { EVENT_CATALOGUE } from '../../audit/catalogue.ts';
import { EVENT_TYPES } from '../../audit/events.ts';
import type { Deployment } from '../deployment/deployment.ts';

export interface EventSchemasProps {
  readonly deployment: Deployment;
}

/**
 * The event catalogue as an EventBridge schema registry, so that the console shows the events of the bus and makes code
 * bindings for them. Schemas are named `wflo@<type>`, as discovery would name them.
 */
export class EventSchemas extends Construct {
  constructor(scope: Construct, id: string, { deployment }: EventSchemasProps) {
    super(scope, id);
    const registry = new CfnRegistry(this, 'Registry', {
      registryName: `wflo-${deployment.stage}`,
      description: 'Events on the bus of Wflo',
    });
    for (const type of EVENT_TYPES) {
      new CfnSchema(this, type, {
        registryName: registry.attrRegistryName,
        schemaName: `wflo@${type}`,
        type: 'JSONSchemaDraft4',
        description: EVENT_CATALOGUE[type].description,
        content: JSON.stringify(busEventSchema(type)),
      });
    }
  }
}
