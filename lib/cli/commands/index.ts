import type { Command } from '../command.ts';
import { approval } from './approval.ts';
import { approvals } from './approvals.ts';
import { auditVerify } from './audit-verify.ts';
import { cancel } from './cancel.ts';
import { approve, reject } from './decide.ts';
import { deploy } from './deploy.ts';
import { destroy } from './destroy.ts';
import { doctor } from './doctor.ts';
import { events } from './events.ts';
import { freeze, unfreeze } from './freeze.ts';
import { graph } from './graph.ts';
import { list } from './list.ts';
import { localDown } from './local-down.ts';
import { localReset } from './local-reset.ts';
import { localStatus } from './local-status.ts';
import { localUp } from './local-up.ts';
import { logs } from './logs.ts';
import { peopleAdd, peopleBootstrap, peopleChange, peopleList, peopleRemove, whoami } from './people.ts';
import { peopleEvents } from './people-events.ts';
import { peopleGroup, peopleGroups } from './people-groups.ts';
import { peopleAttest, peopleLink, peopleUnlink } from './people-identities.ts';
import { plan } from './plan.ts';
import { prices } from './prices.ts';
import { run } from './run.ts';
import { status } from './status.ts';
import { tenantsAdd } from './tenants-add.ts';

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
  approvals,
  approval,
  approve,
  reject,
  freeze,
  unfreeze,
  whoami,
  peopleBootstrap,
  peopleList,
  peopleAdd,
  peopleChange,
  peopleRemove,
  peopleLink,
  peopleUnlink,
  peopleAttest,
  peopleGroups,
  peopleGroup,
  peopleEvents,
  tenantsAdd,
  graph,
  plan,
  prices,
  deploy,
  destroy,
  doctor,
];
