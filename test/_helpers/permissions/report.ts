import { decide } from './evaluate.ts';
import { callTable, differentRows, summaryTable } from './page.ts';
import type { PolicyStatement } from './policies.ts';
import type { Network, Proof } from './proof.ts';
import { isReasoned, REASONS, reasonOf } from './reasons.ts';
import { grantsOf } from './removal.ts';
import { UNRECORDED } from './unrecorded-calls.ts';

/** The text of `docs/permissions.md`. */
export function permissionsPage(proofs: Readonly<Record<Network, Proof>>): string {
  const { private: closed, open } = proofs;
  return `# Permissions

<!-- Written from the templates and the recorded calls:
UPDATE_DOCS=1 npx vitest run --project cdk test/constructs/permission-proof.test.ts -->

Every policy of both network modes, with all workflows of \`state-machines/\`, against every call that is known to be made.

| | private network | open network |
| --- | --- | --- |
${row(proofs, 'statements of policies', ({ statements }) => statements.length)}
${row(proofs, 'calls of services, derived', ({ service }) => service.length)}
${row(proofs, 'calls of functions, recorded, with what AWS asks besides', ({ recorded }) => recorded.length)}
${row(proofs, 'calls of functions that the end-to-end tests do not surely make', ({ unrecorded }) => unrecorded.length)}
${row(proofs, 'calls that must be refused', ({ refused }) => refused.length)}
${row(proofs, 'removed statements that the calls notice', (proof) => caught(proof, proof.unnoticed))}
${row(proofs, 'the same by derived and recorded calls alone', (proof) => caught(proof, proof.unnoticedByRuns))}
${row(proofs, 'findings', (proof) => findings(proof).length)}

## Findings

${listOr(Object.values(proofs).flatMap(findings), 'None: every call is decided as it must be, and every grant is used or has a reason below.')}

## Removed, and not noticed

${listOr(
  [...closed.unnoticed, ...open.unnoticed].map((statement) => `\`${statement.id}\`: ${reasonsOf(statement)}`),
  'None: without any one statement, some call is decided otherwise.',
)}

## Granted, and used by no call

| what | why |
| --- | --- |
${REASONS.map(({ grants, reason }) => `| \`${grants.replaceAll('\\*', '*')}\` | ${reason} |`).join('\n')}

## How it is made

A small evaluator (\`test/_helpers/permissions\`) decides each call against every role, key, endpoint and resource policy of
the templates, resolved for account 111122223333 in eu-central-1. The calls:

- **Of services**, in the name of our roles or in their own: derived from every task state, rule, stream, schedule, delivery,
  log and key of the templates. Which actions an integration needs is from the documentation of AWS, named beside each derivation.
- **Of functions**: recorded. The local AWS of the end-to-end tests writes down each call of a role where it evaluates the
  role's policies ([ADR 28](adr/0028-recorded-calls.md)). \`test/_fixtures/recorded-calls.txt\` has them, one a line, ids as
  \`any\`; an end-to-end file fails on a call that is not there. To each of these come the calls that AWS makes besides and
  the local AWS does not: keys, endpoints, versions.
- **Of functions where the end-to-end tests do not surely get**: listed by hand, each with its reason, below. A row whose
  call was recorded after all fails the test.
- **Refused**: the calls on buckets, queues and topics again, without encryption on their way.

Every action on every resource that a policy allows must be used by one of the allowed calls, and each statement is removed
in turn: some call must then be decided otherwise. The calls of services in the name of a role are decided a second time in
the end-to-end tests (\`test/e2e/simulated-calls.test.ts\`), by \`iam:SimulatePrincipalPolicy\` with the deployed roles. What
functions called was decided by the local AWS when it was recorded. Decided here alone: calls of services in their own name
(trust, key, queue, topic and function policies), what goes through VPC endpoints, and calls of functions on keys.

| to refresh | command |
| --- | --- |
| recorded calls, after a change to what functions call | \`UPDATE_CALLS=1 npm run test:e2e\`, which adds; delete the lines of the file before it to begin anew |
| this page | \`UPDATE_DOCS=1 npx vitest run --project cdk test/constructs/permission-proof.test.ts\` |

It shows that the policies allow what is documented. It does not show that the documentation is complete: that is left to
the first deployment ([what the local AWS cannot prove](not-proven-locally.md)). Not here, because the templates do not
decide it: what CloudFormation does with the role of \`cdk bootstrap\` (it calls \`copy-code\` and setup functions, makes tables
with the data key), what DynamoDB does by the grants that it made then, service-linked roles, and policies of an organisation.

## Calls of functions

What each role called, keys left out. *By a URL*: by whoever has a URL that the role signed.

${summaryTable(closed.recorded)}

### Where the end-to-end tests do not surely get

| role | action | on | why |
| --- | --- | --- | --- |
${UNRECORDED.map(({ role, action, resource, reason }) => `| ${role.replace(/Role$/, '')} | ${action} | ${resource.replace(/^arn:aws:[a-z0-9-]+:[a-z0-9-]*:\d*:/, '')} | ${reason} |`).join('\n')}

## Calls of services

In the private network.

${callTable(closed.service, closed.statements)}

### In the open network

Different from above:

${differentRows(open.service, open.statements, { calls: closed.service, statements: closed.statements })}
`;
}

function row(proofs: Readonly<Record<Network, Proof>>, what: string, value: (proof: Proof) => number | string): string {
  return `| ${what} | ${value(proofs.private)} | ${value(proofs.open)} |`;
}

function caught({ statements }: Proof, unnoticed: readonly PolicyStatement[]): string {
  return `${statements.length - unnoticed.length} of ${statements.length}`;
}

/** Whatever the tests of the proof fail on. */
function findings({ statements, service, recorded, unrecorded, refused, unused, unnoticed }: Proof): readonly string[] {
  const allowed = [...service, ...recorded, ...unrecorded];
  const text = ({ principal, action, resource }: (typeof allowed)[number]) => `${principal} ${action} ${resource}`;
  return [
    ...allowed.filter((call) => !decide(call, statements).allowed).map((call) => `refused: ${text(call)}`),
    ...refused.filter((call) => decide(call, statements).allowed).map((call) => `not refused: ${text(call)}`),
    ...unused.filter((grant) => reasonOf(grant) === undefined).map((grant) => `unused: ${grant}`),
    ...unnoticed.filter((statement) => !isReasoned(statement)).map(({ id }) => `removal unnoticed: ${id}`),
  ];
}

function reasonsOf(statement: PolicyStatement): string {
  return [...new Set(grantsOf([statement]).map(({ id }) => reasonOf(id)?.reason ?? 'no reason'))].join('; ');
}

function listOr(lines: readonly string[], none: string): string {
  return lines.length === 0 ? none : [...new Set(lines)].map((line) => `- ${line}`).join('\n');
}
