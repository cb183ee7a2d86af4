import type { Provider } from '../budget/price-book.ts';

/** A request as it would go to a provider, without credentials. */
export interface UnsignedRequest {
  readonly method: 'POST';
  readonly url: URL;
  /** Names in lower case. */
  readonly headers: { readonly [name: string]: string };
  readonly body: Uint8Array;
}

/** The right to call one provider. */
export interface ProviderAccess {
  /** Without a slash at its end: paths of the provider's API follow. */
  readonly baseUrl: string;
  /** The headers that prove the right. They are secret: they go to the provider, and nowhere else. */
  authorise(request: UnsignedRequest): Promise<{ readonly [name: string]: string }>;
}

/** The keys of the providers, which the gateway alone reads. */
export interface ProviderKeys {
  /** Throws `provider_not_configured`. Read again after a minute at most. */
  get(provider: Provider): Promise<ProviderAccess>;
  /** After the provider refused this, or could not be reached: what is stored now; undefined where it is the same. */
  renewed(provider: Provider, refused: ProviderAccess): Promise<ProviderAccess | undefined>;
}
