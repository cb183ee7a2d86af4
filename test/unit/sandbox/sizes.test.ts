import { describe, expect, it } from 'vitest';
import { compileWorkflow } from '../../../lib/compiler/compile.ts';
import { cpuUnits, FARGATE_SIZES, isFargateSize, nearestFargateSize } from '../../../lib/sandbox/sizes.ts';
import { definition, sandbox } from '../../_helpers/workflow-samples.ts';

describe('sandbox sizes', () => {
  it('are those of Fargate, from 0.25 vCPU with 512 MiB to 16 vCPU with 120 GiB', () => {
    const perCpu = new Map<number, number[]>();
    for (const { cpu, memoryMib } of FARGATE_SIZES) perCpu.set(cpu, [...(perCpu.get(cpu) ?? []), memoryMib / 1024]);
    expect(perCpu.get(0.25)).toEqual([0.5, 1, 2]);
    expect(perCpu.get(0.5)).toEqual([1, 2, 3, 4]);
    expect(perCpu.get(1)).toEqual([2, 3, 4, 5, 6, 7, 8]);
    expect([2, 4].map((cpu) => [perCpu.get(cpu)?.at(0), perCpu.get(cpu)?.at(-1), perCpu.get(cpu)?.length])).toEqual([
      [4, 16, 13],
      [8, 30, 23],
    ]);
    expect(perCpu.get(8)).toEqual([16, 20, 24, 28, 32, 36, 40, 44, 48, 52, 56, 60]);
    expect(perCpu.get(16)).toEqual([32, 40, 48, 56, 64, 72, 80, 88, 96, 104, 112, 120]);
  });

  it.each([
    [
      { cpu: 0.25, memoryMib: 4096 },
      { cpu: 0.5, memoryMib: 4096 },
    ],
    [
      { cpu: 1, memoryMib: 512 },
      { cpu: 1, memoryMib: 2048 },
    ],
    [
      { cpu: 3, memoryMib: 100 },
      { cpu: 4, memoryMib: 8192 },
    ],
    [
      { cpu: 64, memoryMib: 1 },
      { cpu: 16, memoryMib: 122_880 },
    ],
    [
      { cpu: 0.1, memoryMib: 100 },
      { cpu: 0.25, memoryMib: 512 },
    ],
  ])('%o has %o as the nearest that is enough', (wanted, nearest) => {
    expect(isFargateSize(wanted)).toBe(false);
    expect(nearestFargateSize(wanted)).toEqual(nearest);
    expect(isFargateSize(nearest)).toBe(true);
  });

  it('that Fargate lacks are a finding which says the nearest one', () => {
    const step = sandbox('a', { cpu: 16, memoryMib: 33 * 1024 });
    expect(compileWorkflow(definition([step]), [])).toEqual({
      ok: false,
      findings: [
        {
          code: 'invalid_sandbox_size',
          path: 'sample/a.cpu',
          reason: 'Fargate does not offer cpu 16 with memoryMib 33792',
          fix: 'write cpu: 16, memoryMib: 40960',
        },
      ],
    });
  });

  it('compile where Fargate has them, each of them', () => {
    for (const size of FARGATE_SIZES) {
      expect(compileWorkflow(definition([sandbox('a', size)]), []).ok, JSON.stringify(size)).toBe(true);
    }
  });

  it('count CPU in units of 1,024', () => {
    expect([0.25, 16].map(cpuUnits)).toEqual([256, 16_384]);
  });
});
