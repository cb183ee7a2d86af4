import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { sha256 } from '../json.ts';

/** What the code of a Python agent imports, pinned with hashes. */
export const REQUIREMENTS = 'requirements.txt';
/** Where it is installed, beside that file; not in version control. */
export const VENDOR = 'vendor';
/** Written last, so that an installation that was cut off does not count. */
export const VENDOR_STAMP = 'wflo-vendor.json';

/** The Python of the sandbox image. */
export const SANDBOX_PYTHON = '3.11';
export type SandboxArchitecture = 'X86_64' | 'ARM64';

export interface VendorStamp {
  /** SHA-256 of the requirements that were installed. */
  readonly requirements: string;
  readonly architecture: SandboxArchitecture;
  /** The interpreter of this machine that is served too: `cp312-linux-x64`. */
  readonly local: string;
  /** Files that only that interpreter needs. They do not go into archives for AWS, which are the same from any machine. */
  readonly localOnly: readonly string[];
}

export type Dependencies =
  | { readonly state: 'none' }
  /** `requirements.txt` is there, and what it names is not, or is of another version or architecture. */
  | { readonly state: 'missing' }
  | { readonly state: 'installed'; readonly stamp: VendorStamp };

/** What a code folder has of the packages that it declares. */
export function dependenciesOf(folder: string, architecture: SandboxArchitecture): Dependencies {
  const file = join(folder, REQUIREMENTS);
  if (!existsSync(file)) return { state: 'none' };
  const stamp = readStamp(folder);
  if (stamp === undefined) return { state: 'missing' };
  const fits = stamp.requirements === sha256(readFileSync(file)) && stamp.architecture === architecture;
  return fits ? { state: 'installed', stamp } : { state: 'missing' };
}

function readStamp(folder: string): VendorStamp | undefined {
  const file = join(folder, VENDOR, VENDOR_STAMP);
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as VendorStamp) : undefined;
}
