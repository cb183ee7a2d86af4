import { appendFileSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const workspace = process.env.WFLO_WORKSPACE;
appendFileSync(join(workspace, 'link'), 'from node\n');
mkdirSync(join(workspace, 'added'));
writeFileSync(join(workspace, 'added', 'empty'), '');
writeFileSync(join(workspace, 'gone'), '');
rmSync(join(workspace, 'gone'));
