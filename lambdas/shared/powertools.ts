import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics } from '@aws-lambda-powertools/metrics';
import { Tracer } from '@aws-lambda-powertools/tracer';

/** One of each for a whole function. The service name is `POWERTOOLS_SERVICE_NAME`. */
export const logger = new Logger();
export const metrics = new Metrics({ namespace: 'Wflo' });
/** SDK clients are captured one by one; captured HTTP requests would show every call twice. */
export const tracer = new Tracer({ captureHTTPsRequests: false });
