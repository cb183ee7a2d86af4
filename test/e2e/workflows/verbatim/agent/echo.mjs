// Writes back everything that it was given, so that a test can compare it byte for byte.
import { readFileSync, writeFileSync } from 'node:fs';

writeFileSync(
  process.env.WFLO_OUTPUT,
  JSON.stringify({
    argv: process.argv.slice(2),
    env: process.env.HOSTILE,
    composed: process.env.COMPOSED,
    input: JSON.parse(readFileSync(process.env.WFLO_INPUT, 'utf8')),
    names: Object.keys(process.env).sort(),
  }),
);
