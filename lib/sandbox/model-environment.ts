/**
 * The variables by which unmodified provider SDKs find the gateway, set for every agent of a deployment that has one.
 * Read by the SDKs themselves: openai 6.49, @anthropic-ai/sdk 1.14, @google/genai 2.32, google-genai 3.6 (Python),
 * botocore and the AWS SDK for JavaScript 3.
 */
const PATHS = {
  OPENAI_BASE_URL: '/openai/v1',
  ANTHROPIC_BASE_URL: '/anthropic',
  GOOGLE_GEMINI_BASE_URL: '/gemini',
} as const;

/** botocore sends a bearer token over HTTPS only. */
const SECURE_PATHS = { AWS_ENDPOINT_URL_BEDROCK_RUNTIME: '/bedrock' } as const;

export interface ModelsAddress {
  /** Of the runner's proxy, without a slash at its end. */
  readonly url: string;
  /** The same over TLS. */
  readonly secureUrl: string;
  /** File (PEM) of what clients over TLS must trust. */
  readonly certificateFile: string;
}

/** The SDKs want a key, and send it to the runner, which drops it. */
const PLACEHOLDER = 'wflo';

/** Not GOOGLE_API_KEY as well: the SDKs of Gemini warn where both are set. */
const KEYS = ['OPENAI_API_KEY', 'ANTHROPIC_API_KEY', 'GEMINI_API_KEY', 'AWS_BEARER_TOKEN_BEDROCK'] as const;

/** The SDKs of AWS want a region; the gateway has its own. */
const REGION = 'us-east-1';

/** What no step may declare itself: it would lead past the gateway, or hold a key of a provider. */
export const MODEL_VARIABLES: readonly string[] = [...Object.keys({ ...PATHS, ...SECURE_PATHS }), ...KEYS];

export function modelEnvironment({ url, secureUrl, certificateFile }: ModelsAddress): Record<string, string> {
  return {
    ...Object.fromEntries(Object.entries(PATHS).map(([name, path]) => [name, `${url}${path}`])),
    ...Object.fromEntries(Object.entries(SECURE_PATHS).map(([name, path]) => [name, `${secureUrl}${path}`])),
    AWS_CA_BUNDLE: certificateFile,
    ...Object.fromEntries(KEYS.map((name) => [name, PLACEHOLDER])),
    AWS_REGION: REGION,
    AWS_DEFAULT_REGION: REGION,
    // There is none in a sandbox, and an SDK that looks for it waits.
    AWS_EC2_METADATA_DISABLED: 'true',
  };
}
