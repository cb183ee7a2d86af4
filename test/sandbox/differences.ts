import type { DriverName, SandboxCase } from './case.ts';

const DRIVERS: readonly DriverName[] = ['process', 'docker'];

/** A Markdown table of every case that a driver does not end as Fargate does, or does not run. */
export function differencesTable(cases: readonly SandboxCase[]): string {
  const rows = cases.flatMap(({ name, differs }) =>
    DRIVERS.flatMap((driver) => {
      const difference = differs?.[driver];
      return difference === undefined ? [] : [`| ${driver} | ${name} | ${difference.here} | ${difference.why} |`];
    }),
  );
  return ['| driver | case | with this driver | why |', '| --- | --- | --- | --- |', ...rows].join('\n');
}

/** Names of cases that a cell of the document refers to: those in backticks. */
export function namesIn(cell: string): string[] {
  return [...cell.matchAll(/`([^`]+)`/g)].map((match) => match[1] ?? '');
}
