import { writeFileSync } from 'node:fs';

console.log(process.argv[2]);
writeFileSync(process.env.WFLO_OUTPUT, JSON.stringify({ said: process.argv[2] }));
