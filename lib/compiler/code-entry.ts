import { posix } from 'node:path';

const TYPESCRIPT = /\.m?ts$/;

/** True where the `code` of a step names a TypeScript file to be bundled, and not a folder. */
export function isCodeEntry(code: string): boolean {
  return TYPESCRIPT.test(code);
}

/** The one file that the code of a step holds which names a TypeScript file: `research.mjs` of `./agent/research.ts`. */
export function bundleOfEntry(code: string): string {
  return `${posix.basename(code).replace(TYPESCRIPT, '')}.mjs`;
}
