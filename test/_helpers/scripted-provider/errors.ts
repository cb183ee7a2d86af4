import type { Body, Provider } from './call.ts';
import type { WireError } from './wire.ts';

export interface NativeError {
  readonly headers: { readonly [name: string]: string };
  readonly body: Body;
}

/** An error in the words of a provider. */
export function nativeError(provider: Provider, error: WireError): NativeError {
  switch (provider) {
    case 'openai':
      return { headers: {}, body: openaiError(error) };
    case 'anthropic':
      return { headers: {}, body: anthropicError(error) };
    case 'gemini':
      return { headers: {}, body: geminiError(error) };
    case 'bedrock':
      return {
        headers: { 'x-amzn-errortype': bedrockErrorType(error.status) },
        body: { message: error.message },
      };
  }
}

const OPENAI: Readonly<Record<number, readonly [type: string, code: string | null]>> = {
  400: ['invalid_request_error', null],
  401: ['invalid_request_error', 'invalid_api_key'],
  403: ['invalid_request_error', 'unsupported_country_region_territory'],
  404: ['invalid_request_error', 'model_not_found'],
  429: ['requests', 'rate_limit_exceeded'],
};

export function openaiError({ status, message }: WireError): Body {
  const [type, code] = OPENAI[status] ?? ['server_error', null];
  return { error: { message, type, param: null, code } };
}

const ANTHROPIC: Readonly<Record<number, string>> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  402: 'billing_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  504: 'timeout_error',
  529: 'overloaded_error',
};

export function anthropicError({ status, message }: WireError): Body {
  return { type: 'error', error: { type: ANTHROPIC[status] ?? 'api_error', message }, request_id: 'req_scripted' };
}

const GEMINI: Readonly<Record<number, string>> = {
  400: 'INVALID_ARGUMENT',
  401: 'UNAUTHENTICATED',
  403: 'PERMISSION_DENIED',
  404: 'NOT_FOUND',
  429: 'RESOURCE_EXHAUSTED',
  503: 'UNAVAILABLE',
  504: 'DEADLINE_EXCEEDED',
};

export function geminiError({ status, message }: WireError): Body {
  return { error: { code: status, message, status: GEMINI[status] ?? 'INTERNAL' } };
}

const BEDROCK: Readonly<Record<number, string>> = {
  400: 'ValidationException',
  403: 'AccessDeniedException',
  404: 'ResourceNotFoundException',
  408: 'ModelTimeoutException',
  424: 'ModelErrorException',
  429: 'ThrottlingException',
  503: 'ServiceUnavailableException',
};

function bedrockErrorType(status: number): string {
  return BEDROCK[status] ?? 'InternalServerException';
}
