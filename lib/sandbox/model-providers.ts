/** Providers of models. Each has the paths of its API below its name, at the gateway and at the runner's proxy. */
export const PROVIDERS = ['openai', 'anthropic', 'gemini', 'bedrock'] as const;
/** Whose API is called, and so whose prices count. */
export type Provider = (typeof PROVIDERS)[number];
