import type { Command } from '../command.ts';
import { auditVerify } from './audit-verify.ts';
import { cancel } from './cancel.ts';
import { deploy } from './deploy.ts';
import { doctor } from './doctor.ts';
import { events } from './events.ts';
import { graph } from './graph.ts';
import { list } from './list.ts';
import { localDown } from './local-down.ts';
import { localReset } from './local-reset.ts';
import { localStatus } from './local-status.ts';
import { localUp } from './local-up.ts';
import { logs } from './logs.ts';
import { plan } from './plan.ts';
import { run } from './run.ts';
import { status } from './status.ts';

/** Every command, in the order of the help. They import what is heavy only when they run. */
export const COMMANDS: readonly Command[] = [
  localUp,
  localDown,
  localStatus,
  localReset,
  run,
  list,
  status,
  logs,
  events,
  auditVerify,
  cancel,
  graph,
  plan,
  deploy,
  doctor,
];
