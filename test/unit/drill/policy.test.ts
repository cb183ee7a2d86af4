import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '../../..');
/** By the audit store, of whose calls the drill makes only the reading of a chain. */
const CHAINS = ['dynamodb:Query'];
/** AWS asks whoever restores for reading and writing on the new table, and for the use of the key. */
const FOR_THE_RESTORE = [
  ...['BatchWriteItem', 'DeleteItem', 'GetItem', 'PutItem', 'Query', 'Scan', 'UpdateItem'].map(
    (name) => `dynamodb:${name}`,
  ),
  ...['CreateGrant', 'Decrypt', 'DescribeKey', 'Encrypt', 'GenerateDataKey*', 'ReEncrypt*'].map(
    (name) => `kms:${name}`,
  ),
];

function actionsOf(file: string): string[] {
  const text = readFileSync(join(root, 'scripts/drill', file), 'utf8');
  return [...text.matchAll(/import \{([^}]*)\} from '@aws-sdk\/(?:client|lib)-([a-z]+)'/g)].flatMap(
    ([, names = '', service]) =>
      [...names.matchAll(/\b(?:paginate(\w+)|(\w+)Command)\b/g)].map((match) => `${service}:${match[1] ?? match[2]}`),
  );
}

it('the policy of the restore guide allows exactly the calls of a drill', () => {
  const { Statement } = JSON.parse(readFileSync(join(root, 'docs/guides/examples/drill-policy.json'), 'utf8')) as {
    readonly Statement: readonly { readonly Action: string | string[]; readonly Resource: string }[];
  };
  const allowed = [...new Set(Statement.flatMap(({ Action }) => Action))].sort();
  const used = [...readdirSync(join(root, 'scripts/drill')).flatMap(actionsOf), ...CHAINS, ...FOR_THE_RESTORE];
  expect(allowed).toEqual([...new Set(used)].sort());
  const onLive = Statement.filter(({ Resource }) => Resource.includes('table/WfloData-')).flatMap(
    ({ Action }) => Action,
  );
  expect(onLive.filter((action) => /Write|Put|Update|Delete|Scan/.test(action))).toEqual([]);
});
