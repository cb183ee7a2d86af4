import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';

const root = resolve(import.meta.dirname, '..');
const SOURCE_FOLDERS = ['bin', 'lib', 'lambdas', 'state-machines', 'sandbox-images', 'scripts', 'bench', 'test'];

function filesBelow(folder: string): string[] {
  return readdirSync(join(root, folder), { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && /\.(ts|mjs)$/.test(entry.name))
    .map((entry) => relative(root, join(entry.parentPath, entry.name)));
}

const files = SOURCE_FOLDERS.flatMap(filesBelow);

/** What a file imports: package names as written, own files as paths from the root. */
function importsOf(file: string): string[] {
  const text = readFileSync(join(root, file), 'utf8');
  const specifiers = [...text.matchAll(/(?:\bfrom\s+|\bimport\s*\(?\s*)['"]([^'"]+)['"]/g)].map(
    (match) => match[1] ?? '',
  );
  return specifiers.map((specifier) =>
    specifier.startsWith('.') ? relative(root, resolve(root, dirname(file), specifier)) : specifier,
  );
}

const edges = files.flatMap((file) => importsOf(file).map((imported) => ({ file, imported })));
const within = (path: string, ...folders: string[]) =>
  folders.some((folder) => path === folder || path.startsWith(`${folder}/`));

function violations(
  applies: (file: string) => boolean,
  forbidden: (imported: string, file: string) => boolean,
): string[] {
  return edges
    .filter(({ file, imported }) => applies(file) && forbidden(imported, file))
    .map(({ file, imported }) => `${file} imports ${imported}`);
}

const DOMAIN = [
  'lib/workflow',
  'lib/compiler',
  'lib/execution',
  'lib/sandbox',
  'lib/audit',
  'lib/approvals',
  'lib/people',
  'lib/authorization',
];
const isCdk = (imported: string) =>
  within(imported, 'aws-cdk-lib', 'constructs', 'cdk-nag', 'lib/constructs', 'lib/stacks');
const isAws = (imported: string) => imported.startsWith('@aws-sdk/') || within(imported, 'lib/aws');

describe('import rules', () => {
  it('finds the source files', () => {
    expect(files.length).toBeGreaterThan(50);
    expect(edges.length).toBeGreaterThan(100);
  });

  it('keeps the domain free of AWS, CDK and handlers', () => {
    expect(
      violations(
        (file) => within(file, ...DOMAIN),
        (imported) =>
          isCdk(imported) || isAws(imported) || within(imported, 'lambdas', 'lib/local-cloud', 'lib/cli', 'lib/client'),
      ),
    ).toEqual([]);
  });

  it('lets the compiler know the authoring data, not the other way round', () => {
    expect(
      violations(
        (file) => within(file, 'lib/workflow'),
        (imported) => within(imported, 'lib/compiler'),
      ),
    ).toEqual([]);
  });

  it('keeps CDK in constructs, stacks, what makes templates of them, the local cloud and the resources of workflows', () => {
    const mayUseCdk = (file: string) =>
      within(file, 'lib/constructs', 'lib/stacks', 'lib/local-cloud', 'test', 'bench') ||
      within(file, 'bin/app.ts', 'lib/plan/synthesise-resources.ts') ||
      /^state-machines\/[^/]+\/resources\.ts$/.test(file);
    expect(violations((file) => !mayUseCdk(file), isCdk)).toEqual([]);
  });

  it('keeps the client and the CLI behind the control API', () => {
    const allowed = ['@aws-sdk/client-ssm'];
    expect(
      violations(
        (file) => within(file, 'lib/client', 'lib/cli'),
        (imported) => (isAws(imported) && !allowed.includes(imported)) || within(imported, 'lambdas', 'lib/aws'),
      ),
    ).toEqual([]);
  });

  it('keeps what decides about a deployment free of AWS, whose calls are below `aws`', () => {
    const loaded = new Set(['lib/deployment/aws/stage-cloud.ts', 'lib/deployment/aws/stage-data.ts']);
    expect(
      violations(
        (file) => within(file, 'lib/deployment') && !within(file, 'lib/deployment/aws'),
        (imported) =>
          isCdk(imported) || isAws(imported) || (within(imported, 'lib/deployment/aws') && !loaded.has(imported)),
      ),
    ).toEqual([]);
  });

  it('keeps the runner free of everything but the protocol', () => {
    expect(
      violations(
        (file) => within(file, 'sandbox-images/runner/src'),
        (imported) =>
          imported.startsWith('@') ||
          (within(imported, 'lib') && !within(imported, 'lib/sandbox', 'lib/json.ts', 'lib/errors.ts')) ||
          within(imported, 'lambdas'),
      ),
    ).toEqual([]);
  });

  it('keeps tests out of the product', () => {
    expect(
      violations(
        // The demo has no model to call but the scripted one of the tests.
        (file) => !within(file, 'test', 'bench') && file !== 'scripts/demo/research.ts',
        (imported) => within(imported, 'test', 'vitest', 'fast-check'),
      ),
    ).toEqual([]);
  });
});

describe('files', () => {
  it('are named for what they hold', () => {
    expect(
      files.filter((file) =>
        /(^|\/)(utils?|common|helpers?|managers?|misc)(\.ts|\/)/.test(file.replace('test/_helpers/', '')),
      ),
    ).toEqual([]);
  });

  it('are small enough to read', () => {
    const long = files.filter(
      (file) => !file.startsWith('test/') && readFileSync(join(root, file), 'utf8').split('\n').length > 400,
    );
    expect(long).toEqual([]);
  });

  it('has no skipped and no focused test', () => {
    const marked = files.filter(
      (file) =>
        file.endsWith('.test.ts') &&
        /\b(it|test|describe)\.(skip|only|todo|skipIf|runIf)\b/.test(readFileSync(join(root, file), 'utf8')),
    );
    expect(marked.filter((file) => file !== 'test/architecture.test.ts')).toEqual([]);
  });
});
