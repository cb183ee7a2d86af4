import { ROLES } from '../people/roles.ts';
import { type Access, ROUTES, type Route } from './routes.ts';

const COLUMNS = ['no person', 'no role', 'in a group', ...ROLES] as const;
type Column = (typeof COLUMNS)[number];

/** The text of `docs/authorization.md`. */
export function authorizationPage(): string {
  const rows = ROUTES.map((route: Route) => {
    const cells = COLUMNS.map((column) => (isAllowed(route.access, column) ? mark(route.access, column) : ''));
    return `| \`${route.method} ${route.path}\` | ${route.does} | ${cells.join(' | ')} |`;
  });
  return `# Who may do what

<!-- Written from lib/authorization/routes.ts: UPDATE_DOCS=1 npx vitest run --project unit test/unit/authorization/authorization-page.test.ts -->

Every call of the control API is signed with IAM credentials. IAM decides who may call it at all (\`execute-api:Invoke\`); who that is, and what
they may do, is decided by the people of Wflo: the proven ARN leads to an identity, the identity to one person, the person to a tenant, roles and
groups. Whoever is linked to no person gets \`403 unknown_person\`, with the ARN that an administrator has to link; whoever lacks the role gets
\`403 forbidden\`. What belongs to another tenant does not exist for a person.

Approving is no role: the groups of a gate say whose decision counts ([ADR 24](adr/0024-approvals.md)). Only what asks to raise a budget is
decided by role: by a \`budget-owner\` or \`administrator\` who did not start the execution, and by an \`administrator\` alone where nothing
proves who did ([ADR 39](adr/0039-asking-for-budget-is-an-approval.md)). How people are kept is [ADR 25](adr/0025-people.md).

| identity | is linked as | one person is |
|---|---|---|
| IAM user | \`arn:aws:iam::<account>:user/<name>\` | the user |
| role of IAM Identity Center | \`arn:aws:sts::<account>:assumed-role/AWSReservedSSO_<set>_<id>/<user>\` | each user |
| role whose trust policy enforces session names, attested by an administrator | \`arn:aws:sts::<account>:assumed-role/<role>/<session>\` | each session name |
| any other role | \`arn:aws:iam::<account>:role/<role>\` | the role: its callers choose their session names |
| root user, federated user | cannot be linked | nobody |

## Routes

| route | does | ${COLUMNS.join(' | ')} |
|---|---|${COLUMNS.map(() => ':-:').join('|')}|
${rows.join('\n')}

\`default\`: administrators of the tenant \`default\` only, whose people run the deployment. A route that is not in this table does not exist.
`;
}

function isAllowed(access: Access, column: Column): boolean {
  if (access === 'caller') return true;
  if (column === 'no person') return false;
  if (access === 'person') return true;
  if (column === 'no role') return false;
  if (column === 'in a group') return access.groupMembers === true;
  return access.roles.includes(column);
}

function mark(access: Access, column: Column): string {
  return column === 'administrator' && typeof access === 'object' && access.ofDefaultTenant ? '`default`' : 'yes';
}
