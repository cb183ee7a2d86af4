const colour = process.stdout.isTTY === true && process.env.NO_COLOR === undefined;
const paint = (code: number, text: string) => (colour ? `\u001b[${code}m${text}\u001b[0m` : text);

export function say(line: string): void {
  console.log(line);
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

/** Something that happened in an execution, with its time. */
export function happened(timestamp: string, line: string): void {
  say(`    ${paint(2, timestamp.slice(11, 23))}  ${line}`);
}
