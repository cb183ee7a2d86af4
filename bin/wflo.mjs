#!/usr/bin/env node
// The AWS SDK warns of Node versions that Wflo supports; this is its own switch for that one warning. It is read when
// the first client is made, and inherited by the processes that the CLI starts.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true';

// Wflo runs from its TypeScript sources, and loads those of workflows.
const { register } = await import('tsx/esm/api');
register();
await import('./wflo.ts');
