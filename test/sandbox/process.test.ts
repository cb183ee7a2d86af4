import { battery } from './battery.ts';
import { CASES } from './cases/index.ts';
import { processTarget } from './process-target.ts';

battery('process', CASES, processTarget);
