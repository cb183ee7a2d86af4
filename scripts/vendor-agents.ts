import { relative, resolve } from 'node:path';
import { installDependencies } from '../lib/local-cloud/install-dependencies.ts';

/** `npm run vendor`: installs the packages of Python agents beside their code, as `local up` and `deploy` do. */
const projectDir = resolve(import.meta.dirname, '..');
const changed = await installDependencies(projectDir, process.env, ({ state, text }) => {
  if (state === 'started') console.log(`${text} …`);
});
for (const folder of changed) console.log(`Installed: ${relative(projectDir, folder)}/vendor`);
if (changed.length === 0) console.log('All packages are installed.');
