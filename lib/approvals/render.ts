import type { GatePayload, LambdaPayload, Payload, SandboxPayload } from '../execution/payload.ts';
import type { AgentClaim } from '../execution/records.ts';
import type { Json } from '../json.ts';

/** Of one value; what is cut is said (characters). */
const VALUE_CHARACTERS = 4_000;

/**
 * What people decide on, made from the frozen bytes and from nothing that an agent says about them. Fields that an agent
 * wrote are marked. Characters that could change how a text reads (controls, directions, zero width) are written as
 * escapes.
 */
export function renderPayload(payload: Payload, claims: readonly AgentClaim[]): string {
  const lines = payload.kind === 'approval' ? gateLines(payload, claims) : actingLines(payload, claims);
  return lines.map(visible).join('\n');
}

function gateLines(payload: GatePayload, claims: readonly AgentClaim[]): readonly string[] {
  return [`${payload.path}: approval of`, ...fieldLines('subject', payload.subject, claims)];
}

function actingLines(payload: SandboxPayload | LambdaPayload, claims: readonly AgentClaim[]): readonly string[] {
  if (payload.kind === 'lambda') {
    return [`${payload.path}: invokes ${payload.functionArn}`, ...fieldLines('with', payload.with, claims)];
  }
  const { image, taskDefinition, codeSha256, command, env, input, models } = payload;
  return [
    `${payload.path}: runs ${JSON.stringify(command)}`,
    `image ${image} (${taskDefinition})`,
    codeSha256 === '' ? 'no code' : `code sha256 ${codeSha256}`,
    ...(models === undefined ? [] : [`may call the models ${models.join(', ')}`]),
    ...Object.entries(env).flatMap(([name, value]) => fieldLines(`env.${name}`, value, claims)),
    ...claims.filter(({ field }) => field.startsWith('command[')).map((claim) => claimText(claim)),
    ...fieldLines('input', input, claims),
  ];
}

function fieldLines(field: string, value: Json, claims: readonly AgentClaim[]): readonly string[] {
  const text = JSON.stringify(value, null, 2);
  const shown = text.length <= VALUE_CHARACTERS ? text : `${text.slice(0, VALUE_CHARACTERS)}…`;
  const size = Array.isArray(value) ? ` (${value.length} entries)` : '';
  return [
    `${field}${size}:`,
    ...shown.split('\n').map((line) => `  ${line}`),
    ...(shown === text
      ? []
      : [`  … ${text.length - VALUE_CHARACTERS} more characters; the payload hash covers all of them`]),
    ...claims.filter((claim) => isWithin(claim.field, field)).map((claim) => claimText(claim)),
    ...countsOf(field, value),
  ];
}

/** Long lists are cut above: how long they are is what people need to see. */
function countsOf(field: string, value: Json): readonly string[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [];
  return Object.entries(value).flatMap(([name, inner]) =>
    Array.isArray(inner) ? [`${field}.${name} has ${inner.length} entries`] : [],
  );
}

function claimText({ field, step }: AgentClaim): string {
  return `! ${field} was written by the agent of ${step}`;
}

function isWithin(claimed: string, field: string): boolean {
  return claimed === field || claimed.startsWith(`${field}.`) || claimed.startsWith(`${field}[`);
}

/** Controls, formats (zero width, directions, tags), separators of lines and variation selectors. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]|\p{Variation_Selector}/gu;

function visible(line: string): string {
  return line.replace(UNSEEN, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`);
}
