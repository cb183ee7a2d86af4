import { platformHandler } from '../shared/platform-handler.ts';
import { clock, executionStore, taskTokenReader, waitingStates } from '../shared/ports.ts';
import { type ResumeEvent, resumeDecided } from './resume-decided.ts';

export const handler = platformHandler<ResumeEvent, { readonly resumed: number }>(
  { summarise: ({ resumed }) => ({ resumed }) },
  (event) =>
    resumeDecided({ executions: executionStore(), tokens: taskTokenReader(), waiting: waitingStates(), clock }, event),
);
