import { WfloError } from '../../../lib/errors.ts';
import type { Page, StepLogLine, StepLogs } from '../../../lib/ports.ts';
import type { LogLine } from '../../../lib/sandbox/protocol.ts';

/** The cursor names every line that was given out, so that late ones of another step are still found. */
export class FakeStepLogs implements StepLogs {
  readonly lines: StepLogLine[] = [];
  /** What the next write fails with. */
  failure: Error | undefined;

  async write(executionId: string, stepPath: string, attempt: number, lines: readonly LogLine[]): Promise<void> {
    const { failure } = this;
    this.failure = undefined;
    if (failure !== undefined) throw failure;
    this.lines.push(...lines.map((line) => ({ ...line, executionId, stepPath, attempt })));
  }

  async read(
    executionId: string,
    query: { readonly stepPath?: string; readonly cursor?: string; readonly limit: number },
  ): Promise<Page<StepLogLine>> {
    const seen = query.cursor === undefined ? [] : seenLines(query.cursor);
    const found = [...this.lines.entries()]
      .filter(([index, line]) => line.executionId === executionId && !seen.includes(index))
      .filter(([, line]) => query.stepPath === undefined || line.stepPath === query.stepPath)
      .sort(([, a], [, b]) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0))
      .slice(0, query.limit);
    const cursor = `seen:${[...seen, ...found.map(([index]) => index)].join(',')}`;
    return { items: found.map(([, line]) => line), cursor };
  }
}

function seenLines(cursor: string): number[] {
  const [, list] = /^seen:((?:\d+(?:,\d+)*)?)$/.exec(cursor) ?? [];
  if (list === undefined) throw new WfloError('invalid_request', `"${cursor}" is not a log cursor`);
  return list === '' ? [] : list.split(',').map(Number);
}
