import type { Context } from '../../../lib/cli/command.ts';
import { type CommandLine, main } from '../../../lib/cli/main.ts';
import type { OutputStream } from '../../../lib/cli/output.ts';
import { createClient } from '../../../lib/client/client.ts';
import { type ApiServer, apiServer, CREDENTIALS } from '../client/api-server.ts';
import { controlApi } from '../lambdas/serve-control-api/api-harness.ts';

export interface RecordedStream extends OutputStream {
  text(): string;
  resize(columns: number): void;
}

export function recordedStream(isTerminal = false, width = 80): RecordedStream {
  let written = '';
  let columns = width;
  const listeners = new Set<() => void>();
  return {
    isTerminal,
    write: (text) => {
      written += text;
    },
    columns: () => columns,
    rows: () => 24,
    onResize: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    text: () => written,
    resize(to) {
      columns = to;
      for (const listener of listeners) listener();
    },
  };
}

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs one command line in this process. Without `connect`, reaching for a deployment fails the test. */
export async function cli(args: readonly string[], options: Partial<CommandLine> = {}): Promise<Ran> {
  const stdout = recordedStream();
  const stderr = recordedStream();
  const code = await main({
    args,
    env: {},
    projectDir: '/nowhere',
    stdout,
    stderr,
    signal: new AbortController().signal,
    connect: () => Promise.reject(new Error('this command line must not reach a deployment')),
    networkMode: async () => undefined,
    ...options,
  });
  return { code, stdout: stdout.text(), stderr: stderr.text() };
}

/** The control API on fakes, reached over HTTP by the real client. */
export async function deployment() {
  const api = controlApi();
  const server: ApiServer = await apiServer(async ({ method, url, body }) => {
    const { status, body: answer } = await api.call(method as 'GET' | 'POST', url, body === '' ? undefined : body);
    return { status, body: JSON.stringify(answer) };
  });
  const connect: Context['connect'] = async () =>
    createClient({ url: server.url, region: 'eu-central-1', credentials: CREDENTIALS, pause: async () => {} });
  return { api, server, connect };
}
