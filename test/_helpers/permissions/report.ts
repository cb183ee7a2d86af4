import { callTable, differentRows } from './page.ts';
import type { Network, Proof } from './proof.ts';
import { REASONS } from './reasons.ts';

/** The text of `docs/permissions.md`. */
export function permissionsPage(proofs: Readonly<Record<Network, Proof>>): string {
  const { private: closed, open } = proofs;
  return `# Permissions

<!-- Written from the templates: UPDATE_DOCS=1 npx vitest run --project cdk test/constructs/permission-proof.test.ts -->

What AWS services call in the name of our roles, or in their own name by a policy of ours, derived from the templates of
both network modes with all workflows of \`state-machines/\`. A small evaluator (\`test/_helpers/permissions\`) decides each call
against every role, key and resource policy of the templates, resolved for account 111122223333 in eu-central-1. Which
actions an integration needs is from the documentation of AWS, named beside each derivation.

The other way round, every action on every resource that a policy allows is used by one of these calls or by one that a
function makes (\`test/_helpers/permissions/function-calls.ts\`, from what its adapters call), or has a reason below. And each
statement is removed in turn: some call must then be refused, or one that must be refused must pass.

| network | calls of services | calls of functions | calls that must be refused | statements | removal noticed |
| --- | --- | --- | --- | --- | --- |
${row('private', closed)}
${row('open', open)}

It shows that the policies allow what is documented. It does not show that the documentation is complete: that is left to
the first deployment ([what the local AWS cannot prove](not-proven-locally.md)). Not here, because the templates do not
decide it: what CloudFormation does with the role of \`cdk bootstrap\` (it calls \`copy-code\` and setup functions, makes tables
with the data key), what DynamoDB does by the grants that it made then, service-linked roles, and policies of an organisation.

## Calls of services

In the private network.

${callTable(closed.service, closed.statements)}

## In the open network

Different from above:

${differentRows(open.service, open.statements, { calls: closed.service, statements: closed.statements })}

## Granted, and used by no call

| what | why |
| --- | --- |
${REASONS.map(({ grants, reason }) => `| \`${grants.replaceAll('\\*', '*')}\` | ${reason} |`).join('\n')}
`;
}

function row(network: Network, { service, own, refused, statements, unnoticed }: Proof): string {
  const noticed = `${statements.length - unnoticed.length} of ${statements.length}`;
  return `| ${network} | ${service.length} | ${own.length} | ${refused.length} | ${statements.length} | ${noticed} |`;
}
