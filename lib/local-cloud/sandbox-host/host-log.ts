/** One JSON line an entry; the process is started with its output going to the log file. Values are never secrets. */
export type HostLog = (message: string, fields?: { readonly [name: string]: string | number | boolean }) => void;

export const standardOutputLog: HostLog = (message, fields = {}) => {
  process.stdout.write(`${JSON.stringify({ at: new Date().toISOString(), message, ...fields })}\n`);
};
