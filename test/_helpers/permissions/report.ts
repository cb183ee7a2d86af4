import { callTable, differentRows } from './page.ts';
import type { Network, Proof } from './proof.ts';

/** The text of `docs/permissions.md`. */
export function permissionsPage(proofs: Readonly<Record<Network, Proof>>): string {
  const { private: closed, open } = proofs;
  return `# Permissions

<!-- Written from the templates: UPDATE_DOCS=1 npx vitest run --project cdk test/constructs/permission-proof.test.ts -->

What AWS services call in the name of our roles, or in their own name by a policy of ours, derived from the templates of
both network modes with all workflows of \`state-machines/\`. A small evaluator (\`test/_helpers/permissions\`) decides each call
against every role, key and resource policy of the templates, resolved for account 111122223333 in eu-central-1. Which
actions an integration needs is from the documentation of AWS, named beside each derivation.

It shows that the policies allow what is documented. It does not show that the documentation is complete: that is left to
the first deployment ([what the local AWS cannot prove](not-proven-locally.md)). Not here, because the templates do not
decide it: what CloudFormation does with the role of \`cdk bootstrap\` (it calls \`copy-code\` and setup functions, makes tables
with the data key), what DynamoDB does by the grants that it made then, service-linked roles, and policies of an organisation.

## Calls of services

In the private network: ${closed.service.length} calls, all allowed.

${callTable(closed.service, closed.statements)}

## In the open network

${open.service.length} calls, all allowed. Different from above:

${differentRows(open.service, open.statements, { calls: closed.service, statements: closed.statements })}
`;
}
