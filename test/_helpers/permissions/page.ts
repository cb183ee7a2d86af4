import { type Call, decide, like } from './evaluate.ts';
import { conditionText, type PolicyStatement, shortArn } from './policies.ts';

interface Row {
  readonly because: string;
  readonly at: readonly string[];
  readonly who: string;
  readonly actions: readonly string[];
  readonly on: string;
  readonly by: string;
}

const HEAD = `| what | in the name of | calls | on | allowed by |
| --- | --- | --- | --- | --- |`;

/** Calls as a table, those that differ in their action only in one row. */
export function callTable(calls: readonly Call[], statements: readonly PolicyStatement[]): string {
  return `${HEAD}\n${rowsOf(calls, statements).map(line).join('\n')}`;
}

/** Rows of `calls` that `others` does not have. */
export function differentRows(
  calls: readonly Call[],
  statements: readonly PolicyStatement[],
  others: { readonly calls: readonly Call[]; readonly statements: readonly PolicyStatement[] },
): string {
  const known = new Set(rowsOf(others.calls, others.statements).map(line));
  const lines = rowsOf(calls, statements)
    .map(line)
    .filter((each) => !known.has(each));
  return lines.length === 0 ? 'None.' : `${HEAD}\n${lines.join('\n')}`;
}

function rowsOf(calls: readonly Call[], statements: readonly PolicyStatement[]): readonly Row[] {
  const rows = new Map<string, Row>();
  for (const call of calls) {
    const { allowed, by } = decide(call, statements);
    const row = {
      because: call.because,
      who: call.principal.replace(/^service:|^role:arn:aws:iam::\d+:/, '').replace(/Role$/, ''),
      on: shortArn(call.resource) + (call.through === undefined ? '' : ` through ${call.through}`),
      by: allowed ? by.map((statement) => allowing(statement, call)).join(' + ') : 'NOTHING',
    };
    const key = JSON.stringify(row);
    const before = rows.get(key);
    rows.set(key, {
      ...row,
      at: union(before?.at, call.at),
      actions: union(before?.actions, call.action),
    });
  }
  return [...rows.values()];
}

function union(before: readonly string[] = [], more: string | undefined): readonly string[] {
  return more === undefined || before.includes(more) ? before : [...before, more];
}

/** The part of the statement that this call needs. */
function allowing({ owner, sid, kind, resources, conditions }: PolicyStatement, { resource }: Call): string {
  const on = resources.filter((pattern) => pattern !== resource && like(pattern, resource)).map(shortArn);
  const condition = conditionText(conditions);
  return [
    kind === 'identity' ? 'own policy' : sid === undefined ? owner : `${owner} ${sid}`,
    ...(on.length === 0 || kind === 'endpoint' ? [] : [`on ${on.join(', ')}`]),
    ...(condition === '' ? [] : [`if ${condition}`]),
  ].join(' ');
}

function line({ because, at, who, actions, on, by }: Row): string {
  const what = at.length === 0 ? because : `${because}: ${at.join(', ')}`;
  return `| ${[what, who, actions.join(' '), on, by].map(cell).join(' | ')} |`;
}

/** Wildcards would be read as emphasis. */
function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('*', '\\*');
}

/** What each role calls, without the keys: a row a role and resource. */
export function summaryTable(calls: readonly Call[]): string {
  const rows = new Map<string, { readonly who: string; readonly on: string; readonly actions: readonly string[] }>();
  for (const { principal, resource, action, through } of calls.filter((call) => !call.action.startsWith('kms:'))) {
    const who = principal.replace(/^.*\//, '').replace(/Role$/, '');
    // An archive of code is named by its content, which depends on what is installed on this machine.
    const on =
      shortArn(resource).replace(/\/[0-9a-f]{64}\.gz$/, '/any.gz') + (through === undefined ? '' : ' by a URL');
    rows.set(`${who} ${on}`, { who, on, actions: union(rows.get(`${who} ${on}`)?.actions, action) });
  }
  const lines = [...rows.values()].map(
    ({ who, actions, on }) => `| ${[who, actions.join(' '), on].map(cell).join(' | ')} |`,
  );
  return ['| role | actions | on |', '| --- | --- | --- |', ...lines].join('\n');
}
