import { WfloError } from '../../../lib/errors.ts';
import type { Page, StepLogLine, StepLogs } from '../../../lib/ports.ts';
import type { LogLine } from '../../../lib/sandbox/protocol.ts';

/** The cursor is the number of lines that were read. Late lines with earlier times are not handed out again. */
export class FakeStepLogs implements StepLogs {
  readonly lines: StepLogLine[] = [];

  async write(executionId: string, stepPath: string, attempt: number, lines: readonly LogLine[]): Promise<void> {
    this.lines.push(...lines.map((line) => ({ ...line, executionId, stepPath, attempt })));
  }

  async read(
    executionId: string,
    query: { readonly stepPath?: string; readonly cursor?: string; readonly limit: number },
  ): Promise<Page<StepLogLine>> {
    const from = Number(query.cursor ?? '0');
    if (!Number.isInteger(from)) throw new WfloError('invalid_request', `"${query.cursor}" is not a log cursor`);
    const matching = this.lines
      .filter((line) => line.executionId === executionId)
      .filter((line) => query.stepPath === undefined || line.stepPath === query.stepPath)
      .sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0));
    const items = matching.slice(from, from + query.limit);
    return { items, cursor: String(from + items.length) };
  }
}
