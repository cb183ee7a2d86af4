import type { HostLog } from '../../lib/local-cloud/sandbox-host/host-log.ts';

/** Keeps what drivers log about runners, by task. */
export function runnerLog(): { readonly write: HostLog; said(taskId: string): string } {
  const entries: { readonly taskId: unknown; readonly text: string }[] = [];
  return {
    write: (message, fields) => {
      entries.push({ taskId: fields?.taskId, text: `${message} ${JSON.stringify(fields)}` });
    },
    said: (taskId) =>
      entries
        .filter((entry) => entry.taskId === taskId)
        .map((entry) => entry.text)
        .join('\n'),
  };
}
