import type { PrepareAnswer, PrepareEvent, ReserveEvent } from '../../lib/execution/machine.ts';
import { type PreparePorts, prepareStep } from './prepare.ts';
import { reserveGranted } from './reserve-granted.ts';

/** The states Prepare and Reserve call the same function. */
export function prepareOrReserve(ports: PreparePorts, event: PrepareEvent | ReserveEvent): Promise<PrepareAnswer> {
  return 'prepared' in event ? reserveGranted(ports, event) : prepareStep(ports, event);
}
