import { unpricedFeature } from '../refusals.ts';
import { CallRefused, type CallRequest } from '../wire-format.ts';

/** No operation that is served has a query; one would not be passed on, and is not passed over either. */
export function refuseQuery({ query }: CallRequest): void {
  for (const name of query.keys()) throw new CallRefused(unpricedFeature(`the query parameter ${name.slice(0, 100)}`));
}
