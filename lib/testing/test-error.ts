/** The test itself is wrong: a stub is missing, names no step, or says what cannot happen. No step fails with it. */
export class WorkflowTestError extends Error {
  /** What to write instead. */
  readonly fix: string;

  constructor(what: string, fix: string) {
    super(`${what}\n  fix: ${fix}`);
    this.name = 'WorkflowTestError';
    this.fix = fix;
  }
}

/** Names as a list for a person. */
export function listed(names: readonly string[]): string {
  return names.length === 0 ? 'none' : names.map((name) => `"${name}"`).join(', ');
}
