import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sha256 } from '../../lib/json.ts';
import { findPython } from '../../lib/local-cloud/python.ts';
import { root, runTool } from './run-tool.ts';

/**
 * Installs what `<tool>-requirements.txt` pins, and nothing else, into a Python environment of its own below `build/`,
 * unless exactly that is installed. Answers the path of the program.
 */
export async function installTool(tool: 'cfn-lint' | 'checkov'): Promise<string> {
  const requirements = join(import.meta.dirname, `${tool}-requirements.txt`);
  const venv = join(root, 'build', tool);
  // Written last, so that an installation that was cut off is done again.
  const stamp = join(venv, 'requirements.sha256');
  const wanted = sha256(readFileSync(requirements));
  if (!existsSync(stamp) || readFileSync(stamp, 'utf8') !== wanted) {
    rmSync(venv, { recursive: true, force: true });
    mkdirSync(join(root, 'build'), { recursive: true });
    const python = await findPython(process.env);
    runTool(python.executable, ['-m', 'venv', venv]);
    runTool(join(venv, 'bin', 'pip'), [
      'install',
      '--quiet',
      '--no-deps',
      '--retries',
      '10',
      '--requirement',
      requirements,
    ]);
    writeFileSync(stamp, wanted);
  }
  return join(venv, 'bin', tool);
}
