/**
 * Stands in for `@aws-sdk/credential-provider-node` in the bundles of functions. Lambda gives a function its
 * credentials in its environment, and none of the other places where the SDK looks exists there: profiles, SSO, files,
 * the metadata of a machine. Without them a bundle is a tenth smaller, and starts sooner.
 */
import { fromEnv } from '@aws-sdk/credential-provider-env';

export const defaultProvider = fromEnv;
