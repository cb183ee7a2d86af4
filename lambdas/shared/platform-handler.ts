import type { Context } from 'aws-lambda';
import { WfloError } from '../../lib/errors.ts';
import { logger, metrics, tracer } from './powertools.ts';

/** What a log line or a trace is found by. */
export interface Correlation {
  readonly executionId?: string;
  readonly stepPath?: string;
  readonly attempt?: number;
}

export interface PlatformHandlerOptions<E, R> {
  /** Ids of what the event is about. It must read ids only. */
  readonly correlate?: (event: E) => Correlation;
  /** Words and counts of the answer for the log line; never data, codes or tokens. */
  readonly summarise?: (answer: R) => { readonly [name: string]: string | number | boolean };
}

/**
 * Wraps every handler of the platform: one structured log line per invocation with the correlation ids, a trace
 * subsegment with the same ids as annotations, and the metrics that the handler has counted (EMF). It logs neither
 * events nor answers.
 */
export function platformHandler<E, R>(
  options: PlatformHandlerOptions<E, R>,
  handle: (event: E, context: Context) => Promise<R>,
): (event: E, context: Context) => Promise<R> {
  return async (event, context) => {
    const startedAt = performance.now();
    const correlation = correlationOf(options, event);
    logger.resetKeys();
    logger.addContext(context);
    logger.appendKeys({ ...correlation });
    metrics.captureColdStartMetric(context.functionName);
    const endTrace = beginTrace(context, correlation);
    try {
      const answer = await handle(event, context);
      logger.info('invocation', { outcome: 'ok', durationMs: since(startedAt), ...options.summarise?.(answer) });
      endTrace();
      return answer;
    } catch (error) {
      logger.error('invocation', { outcome: 'failed', durationMs: since(startedAt), failure: describeFailure(error) });
      endTrace(error);
      throw error;
    } finally {
      if (metrics.hasStoredMetrics()) metrics.publishStoredMetrics();
    }
  };
}

/** Never fails an invocation: an event that has no ids where they are expected is refused by the handler itself. */
function correlationOf<E, R>({ correlate }: PlatformHandlerOptions<E, R>, event: E): Correlation {
  try {
    return correlate?.(event) ?? {};
  } catch {
    return {};
  }
}

function beginTrace(context: Context, correlation: Correlation): (error?: unknown) => void {
  if (!tracer.isTracingEnabled()) return () => {};
  const parent = tracer.getSegment();
  if (parent === undefined) return () => {};
  const segment = parent.addNewSubsegment(`## ${context.functionName}`);
  tracer.setSegment(segment);
  tracer.annotateColdStart();
  tracer.addServiceNameAnnotation();
  for (const [name, value] of Object.entries(correlation)) tracer.putAnnotation(name, value);
  return (error) => {
    if (error !== undefined) {
      segment.addErrorFlag();
      if (WfloError.is(error)) tracer.putAnnotation('errorCode', error.code);
    }
    segment.close();
    tracer.setSegment(parent);
  };
}

/** A syntax error quotes the text that could not be parsed, which may be anything. */
export function describeFailure(error: unknown): { readonly [name: string]: string } {
  if (!(error instanceof Error)) return { name: typeof error };
  const frames = (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line));
  return {
    name: error.name,
    ...(WfloError.is(error) ? { code: error.code } : {}),
    ...(error instanceof SyntaxError ? {} : { message: error.message }),
    stack: frames.slice(0, 8).join('\n'),
  };
}

function since(startedAt: number): number {
  return Math.round(performance.now() - startedAt);
}
