import { accessSync, constants, existsSync } from 'node:fs';
import { delimiter, dirname, isAbsolute, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Programs that confine the agent. `env` sets what the others must not see. */
export const TOOLS = ['chrt', 'choom', 'prlimit', 'setpriv', 'env'] as const;
export type Tool = (typeof TOOLS)[number];

/** How each tool is started: the first words of a command line. What is missing is not on this machine. */
export type Tools = { readonly [tool in Tool]?: readonly string[] };

/**
 * Finds the tools: beside the bundle, where the runner's folder brings them with their libraries and loader so that
 * the image needs none; else on the search path of this machine.
 */
export function findTools(
  folder: string = dirname(fileURLToPath(import.meta.url)),
  searchPath: string = process.env.PATH ?? '',
): Tools {
  const [loader, libraries] = [join(folder, 'lib', 'ld.so'), join(folder, 'lib')];
  if (existsSync(loader)) {
    return Object.fromEntries(
      TOOLS.map((tool) => [tool, join(folder, 'bin', tool)] as const)
        .filter(([, file]) => existsSync(file))
        .map(([tool, file]) => [tool, [loader, '--library-path', libraries, file]]),
    );
  }
  const found: { [tool in Tool]?: readonly string[] } = {};
  for (const tool of TOOLS) {
    const file = searchPath
      .split(delimiter)
      .filter(isAbsolute)
      .map((directory) => join(directory, tool))
      .find(isExecutable);
    if (file !== undefined) found[tool] = [file];
  }
  return found;
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
