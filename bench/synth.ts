import { type Benchmark, median, round } from './bench.ts';
import { timedCommand } from './timed-command.ts';

export const synth: Benchmark = {
  name: 'synth',
  title: 'cdk synth of every stack, offline',
  run: async () => {
    const seconds: number[] = [];
    for (let times = 0; times < 3; times++) seconds.push(await timedCommand('npx', 'cdk', 'synth', '-q'));
    return [{ what: 'cdk synth -q, median of 3', value: round(median(seconds)), unit: 's', limit: 6 }];
  },
};
