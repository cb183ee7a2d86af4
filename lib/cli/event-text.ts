import type { EventType } from '../audit/events.ts';
import { decimalUsd, nanoUsd } from '../budget/money.ts';
import { isJsonObject, type Json, type JsonObject } from '../json.ts';
import { quorumText } from './render-approvals.ts';
import { scopeText } from './render-freeze.ts';
import { membersText } from './render-people.ts';

/**
 * What an event says, as a sentence for people that holds all its data. Undefined for what is shown field by field: other
 * events, and data of a shape that is not known here.
 */
export function eventText(eventType: EventType, data: JsonObject): string | undefined {
  try {
    return SENTENCES[eventType]?.(data);
  } catch (error) {
    if (error instanceof UnknownShape) return undefined;
    throw error;
  }
}

class UnknownShape extends Error {}

const SENTENCES: { readonly [T in EventType]?: (data: JsonObject) => string } = {
  'approval.requested': (data) =>
    clauses(
      `${text(data.approvalId)} asks ${data.roles === undefined ? quorumText(quorumsOf(data.groups)) : `one ${texts(data.roles).join(' or ')}`}`,
      data.raise === undefined ? '' : raise(objectOf(data.raise)),
      `until ${text(data.expiresAt)}`,
      `for ${idOf(data.requester)}`,
      payload(data),
      data.note === undefined ? '' : text(data.note),
    ),
  'approval.voted': (data) =>
    clauses(
      `${text(data.approvalId)}: ${data.decision === 'reject' ? 'rejected' : 'approved, and more have to'}`,
      quoted(data.comment),
    ),
  'approval.granted': (data) => {
    const approvers = texts(data.approvers);
    return clauses(
      `${text(data.approvalId)} is granted ${approvers.length === 0 ? 'because nobody decided in time' : `by ${approvers.join(', ')}`}`,
      `to be used before ${text(data.executeBy)}`,
      payload(data),
      quoted(data.comment),
    );
  },
  'approval.rejected': (data) => clauses(`${text(data.approvalId)} is rejected`, quoted(data.reason)),
  'approval.expired': (data) => `${text(data.approvalId)}: nobody decided in time, which means no`,
  'approval.cancelled': (data) => clauses(`${text(data.approvalId)} is no longer asked`, quoted(data.reason)),
  'approval.claimed': (data) => clauses(`${text(data.approvalId)} is used`, payload(data)),
  'approval.refused': (data) =>
    clauses(
      data.approvalId === undefined ? '' : text(data.approvalId),
      `refused with ${text(data.code)}`,
      text(data.message),
    ),
  'cost.settled': (data) =>
    clauses(
      `${money(data.costNanoUsd)} so far`,
      Number(data.calls) === 0 ? '' : `${Number(data.calls)} model calls`,
      `entries ${text(data.entriesSha256)}`,
    ),
  'cost.alert': (data) =>
    `${budget(data)}: ${money(data.spentNanoUsd)} of ${money(data.limitNanoUsd)} are spent, which is ${Number(data.threshold) * 100} % or more`,
  'cost.exceeded': (data) =>
    clauses(
      `${budget(data)}: ${money(data.neededNanoUsd)} did not fit into ${money(data.limitNanoUsd)}`,
      `${money(data.spentNanoUsd)} spent`,
      `${money(data.heldNanoUsd)} held`,
      `on that: ${text(data.onExceeded)}`,
    ),
  'cost.unsettled': (data) =>
    clauses(`${text(data.holdId)}: ${money(data.heldNanoUsd)} stay held`, quoted(data.reason)),
  'budget.set': (data) =>
    clauses(
      `tenant ${text(data.tenant)}`,
      data.dailyNanoUsd === undefined ? 'no limit a day' : `${money(data.dailyNanoUsd)} a day`,
      data.monthlyNanoUsd === undefined ? 'no limit a month' : `${money(data.monthlyNanoUsd)} a month`,
      data.alertsAt === undefined ? '' : `alerts at ${JSON.stringify(data.alertsAt)}`,
    ),
  'budget.raised': (data) =>
    clauses(
      `${data.agent === undefined ? 'the execution' : `agent ${text(data.agent)}`} may spend ${money(data.byNanoUsd)} more`,
      `${money(data.limitNanoUsd)} in all`,
      data.approvalId === undefined ? '' : `as ${text(data.approvalId)} asked`,
    ),
  'people.bootstrapped': (data) => `${text(data.personId)} is the first administrator, as ${text(data.identity)}`,
  'people.added': person,
  'people.changed': person,
  'people.removed': (data) => `${text(data.personId)} can do nothing any more`,
  'people.linked': (data) => `${text(data.identity)} is ${text(data.personId)}`,
  'people.unlinked': (data) => `${text(data.identity)} is no longer ${text(data.personId)}`,
  'people.group_changed': (data) => `${text(data.group)}: ${membersText(texts(data.members))}`,
  'people.role_attested': (data) => `each session name of ${text(data.roleArn)} is one person`,
  'tenant.created': (data) => `${text(data.tenant)}, with the administrator ${text(data.personId)}`,
  'freeze.set': (data) => clauses(`${scope(data)} is stopped`, quoted(data.reason)),
  'freeze.lifted': (data) => `${scope(data)} may go on`,
};

function clauses(...parts: readonly string[]): string {
  return parts.filter((part) => part !== '').join('; ');
}

function text(value: Json | undefined): string {
  if (typeof value !== 'string') throw new UnknownShape();
  return value;
}

/** In quotes: it is what a person wrote, and could read like one of our clauses. */
function quoted(value: Json | undefined): string {
  return value === undefined ? '' : JSON.stringify(text(value));
}

function texts(value: Json | undefined): readonly string[] {
  if (!Array.isArray(value)) throw new UnknownShape();
  return value.map(text);
}

function payload({ payloadHash }: JsonObject): string {
  return `payload ${text(payloadHash)}`;
}

function quorumsOf(value: Json | undefined): { readonly group: string; readonly min: number }[] {
  if (!Array.isArray(value)) throw new UnknownShape();
  return value.map((one) => {
    const { group, min } = objectOf(one);
    return { group: text(group), min: Number(min) };
  });
}

function idOf(actor: Json | undefined): string {
  const { id, type } = objectOf(actor);
  return `${text(id)}${type === 'unverified' ? ' (nothing proves it)' : ''}`;
}

function objectOf(value: Json | undefined): JsonObject {
  if (!isJsonObject(value)) throw new UnknownShape();
  return value;
}

function person(data: JsonObject): string {
  return `${text(data.personId)} ${quoted(data.name)}: ${texts(data.roles).join(', ') || 'no roles'}`;
}

function scope(data: JsonObject): string {
  const { all, workflows, tenants } = objectOf(data.scope);
  return scopeText({ all: all === true, workflows: texts(workflows), tenants: texts(tenants) });
}

function money(value: Json | undefined): string {
  if (typeof value !== 'number' || !Number.isSafeInteger(value)) throw new UnknownShape();
  return `${value < 0 ? '-' : ''}$${decimalUsd(nanoUsd(Math.abs(value)))}`;
}

function raise(data: JsonObject): string {
  return clauses(
    `${budget(data)}: ${money(data.byNanoUsd)} more than ${money(data.limitNanoUsd)}, for ${money(data.neededNanoUsd)} that did not fit`,
    `${money(data.spentNanoUsd)} spent`,
    `${money(data.heldNanoUsd)} held`,
  );
}

/** `agent researcher`, `tenant default 2026-11`. */
function budget({ scope: given }: JsonObject): string {
  const { kind, agent, workflow, tenant, period } = objectOf(given);
  const words = [
    kind,
    kind === 'agent' ? agent : kind === 'workflow' ? workflow : kind === 'tenant' ? tenant : undefined,
    period,
  ];
  return words
    .filter((word) => word !== undefined)
    .map(text)
    .join(' ');
}
