const colour = process.stdout.isTTY === true && process.env.NO_COLOR === undefined;
const paint = (code: number, text: string) => (colour ? `\u001b[${code}m${text}\u001b[0m` : text);

let working = false;

export function say(line: string): void {
  if (working) process.stdout.write('\r\u001b[K');
  working = false;
  console.log(line);
}

/** What takes a while, on a terminal until the next line is said. */
export function begun(text: string): void {
  if (process.stdout.isTTY !== true) return;
  process.stdout.write(`\r\u001b[K  ${paint(2, `… ${text}`)}`);
  working = true;
}

export function chapter(title: string): void {
  say('');
  say(paint(1, title));
}

export function indent(line: string): string {
  return `    ${line}`;
}

export function done(line: string): void {
  say(`  ${paint(32, '✔')} ${line}`);
}

export function failed(line: string): void {
  say(`  ${paint(31, '✘')} ${line}`);
}

/** Something that happened to a step, with its time (UTC). `width`: of the longest name of a step. */
export function happened(timestamp: string, step: string, width: number, line: string): void {
  say(`    ${paint(2, timestamp.slice(11, 23))}  ${step.padEnd(width)}  ${line}`);
}

/** Two columns; the second tells what the first is. */
export function list(rows: readonly (readonly [string, string])[]): void {
  const width = Math.max(...rows.map(([what]) => what.length));
  for (const [what, text] of rows) say(indent(`${what.padEnd(width)}  ${paint(2, text)}`.trimEnd()));
}
