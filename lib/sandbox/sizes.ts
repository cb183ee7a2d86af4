/** CPU and memory that Fargate offers together: AWS documentation, "Task CPU and memory", Linux platform 1.4. */
export interface SandboxSize {
  /** vCPU. */
  readonly cpu: number;
  readonly memoryMib: number;
}

const GIB = 1024;

export const FARGATE_SIZES: readonly SandboxSize[] = [
  ...[512, GIB, 2 * GIB].map((memoryMib) => ({ cpu: 0.25, memoryMib })),
  ...sizes(0.5, 1, 4, 1),
  ...sizes(1, 2, 8, 1),
  ...sizes(2, 4, 16, 1),
  ...sizes(4, 8, 30, 1),
  ...sizes(8, 16, 60, 4),
  ...sizes(16, 32, 120, 8),
];

function sizes(cpu: number, fromGib: number, toGib: number, stepGib: number): SandboxSize[] {
  const count = (toGib - fromGib) / stepGib + 1;
  return Array.from({ length: count }, (_, index) => ({ cpu, memoryMib: (fromGib + index * stepGib) * GIB }));
}

export function isFargateSize(size: SandboxSize): boolean {
  return FARGATE_SIZES.some(({ cpu, memoryMib }) => cpu === size.cpu && memoryMib === size.memoryMib);
}

/** The smallest size that has at least this CPU and this memory; the largest of all where none has. */
export function nearestFargateSize(wanted: SandboxSize): SandboxSize {
  const enough = FARGATE_SIZES.find(({ cpu, memoryMib }) => cpu >= wanted.cpu && memoryMib >= wanted.memoryMib);
  const largest = { cpu: 16, memoryMib: 120 * GIB };
  return enough ?? largest;
}

/** CPU units of a task definition: 1,024 are one vCPU. */
export function cpuUnits(cpu: number): number {
  return cpu * 1024;
}
