import { main } from '../lib/cli/main.ts';
import type { OutputStream } from '../lib/cli/output.ts';

const DEFAULT_COLUMNS = 80;
const DEFAULT_ROWS = 24;

function outputStream(stream: NodeJS.WriteStream): OutputStream {
  // Whoever reads, such as `head`, may stop before the end; what is left has no reader.
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  });
  return {
    isTerminal: stream.isTTY === true,
    write: (text) => stream.write(text),
    // 0 is what some terminals answer before they know their size.
    columns: () => stream.columns || DEFAULT_COLUMNS,
    rows: () => stream.rows || DEFAULT_ROWS,
    onResize(listener) {
      stream.on('resize', listener);
      return () => stream.off('resize', listener);
    },
  };
}

// The first Ctrl-C ends the command in order; a second one ends the process at once.
const interrupt = new AbortController();
process.once('SIGINT', () => interrupt.abort());

process.exitCode = await main({
  args: process.argv.slice(2),
  env: process.env,
  projectDir: process.cwd(),
  stdout: outputStream(process.stdout),
  stderr: outputStream(process.stderr),
  signal: interrupt.signal,
});
