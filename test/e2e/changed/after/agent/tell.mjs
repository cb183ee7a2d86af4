import { writeFileSync } from 'node:fs';

writeFileSync(process.env.WFLO_OUTPUT, JSON.stringify({ by: 'after' }));
