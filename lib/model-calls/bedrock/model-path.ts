/** What can be asked of a model of Bedrock: the last part of `POST /model/<modelId>/<operation>`. */
export type BedrockOperation = 'converse' | 'converse-stream' | 'invoke' | 'invoke-with-response-stream';

const PATH = /^\/model\/(.+)\/(converse|converse-stream|invoke|invoke-with-response-stream)$/s;

/** The id as it is after one decoding: a name, or an ARN with its slashes. */
export function readModelPath(
  path: string,
): { readonly model: string; readonly operation: BedrockOperation } | undefined {
  const [, model, operation] = PATH.exec(path) ?? [];
  return model === undefined ? undefined : { model, operation: operation as BedrockOperation };
}

/** Encoded as the AWS SDKs do it: everything but letters, digits and `-_.~`. */
export function writeModelPath(model: string, operation: BedrockOperation): string {
  const encoded = encodeURIComponent(model).replace(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  return `/model/${encoded}/${operation}`;
}
