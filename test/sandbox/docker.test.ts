import { battery } from './battery.ts';
import { CASES } from './cases/index.ts';
import { dockerTarget } from './docker-target.ts';

battery('docker', CASES, dockerTarget);
