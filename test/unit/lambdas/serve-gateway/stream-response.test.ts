import { PassThrough, type Writable } from 'node:stream';
import type { APIGatewayProxyEvent } from 'aws-lambda';
import { describe, expect, it } from 'vitest';
import { requestOf, streamResponse } from '../../../../lambdas/serve-gateway/stream-response.ts';

function anEvent(fields: Partial<APIGatewayProxyEvent>): APIGatewayProxyEvent {
  return {
    httpMethod: 'POST',
    path: '/models/openai/v1/chat/completions',
    headers: { Authorization: 'Bearer t', 'Content-Length': '3' },
    multiValueQueryStringParameters: null,
    body: null,
    isBase64Encoded: false,
    ...fields,
  } as APIGatewayProxyEvent;
}

describe('a call of API Gateway', () => {
  it('becomes the request that it was', async () => {
    const request = requestOf(
      anEvent({ body: '{"text":"ü"}', multiValueQueryStringParameters: { alt: ['sse'], key: ['a b', 'c'] } }),
    );
    expect(request.url).toBe('https://gateway/models/openai/v1/chat/completions?alt=sse&key=a+b&key=c');
    expect(request.method).toBe('POST');
    expect(request.headers.get('authorization')).toBe('Bearer t');
    expect(await request.text()).toBe('{"text":"ü"}');
  });

  it('has its body in base64 where API Gateway says so', async () => {
    const body = Buffer.from([1, 2, 255]).toString('base64');
    const request = requestOf(anEvent({ body, isBase64Encoded: true }));
    expect([...new Uint8Array(await request.arrayBuffer())]).toEqual([1, 2, 255]);
  });

  it('has no query in its path, and no other host', () => {
    const request = requestOf(anEvent({ path: '/models/bedrock/model/a:0?x=1#y/converse' }));
    expect(new URL(request.url).pathname).toBe('/models/bedrock/model/a:0%3Fx=1%23y/converse');
    expect(new URL(requestOf(anEvent({ path: '//elsewhere/x' })).url).host).toBe('gateway');
  });
});

describe('an answer to API Gateway', () => {
  const lambdaOf = (out: Writable, heads: object[]) => ({
    HttpResponseStream: {
      from: (_stream: Writable, head: object) => {
        heads.push(head);
        return out;
      },
    },
  });

  it('goes out as it comes', async () => {
    const out = new PassThrough();
    const heads: object[] = [];
    const chunks: string[] = [];
    out.on('data', (chunk: Buffer) => chunks.push(String(chunk)));
    const body = new ReadableStream<Uint8Array>({
      async start(controller) {
        controller.enqueue(new TextEncoder().encode('one'));
        await new Promise((resolve) => setTimeout(resolve, 10));
        controller.enqueue(new TextEncoder().encode('two'));
        controller.close();
      },
    });
    await streamResponse(lambdaOf(out, heads), out, new Response(body, { status: 201, headers: { 'x-a': 'b' } }));
    expect(heads).toEqual([{ statusCode: 201, headers: { 'x-a': 'b' } }]);
    expect(chunks.filter((chunk) => chunk !== '')).toEqual(['one', 'two']);
    expect(out.writableEnded).toBe(true);
  });

  it('that breaks off does not end as if it were whole', async () => {
    const out = new PassThrough();
    out.on('error', () => {});
    const body = new ReadableStream<Uint8Array>({ start: (controller) => controller.error(new Error('cut off')) });
    await streamResponse(lambdaOf(out, []), out, new Response(body));
    expect(out.writableEnded).toBe(false);
    expect(out.destroyed).toBe(true);
  });

  it('is told to the gateway as left, when nobody takes it any more', async () => {
    const out = new PassThrough();
    let cancelled = false;
    const body = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(new Uint8Array(100_000)),
      cancel: () => {
        cancelled = true;
      },
    });
    setTimeout(() => out.destroy(new Error('gone')), 20);
    await streamResponse(lambdaOf(out, []), out, new Response(body));
    expect(cancelled).toBe(true);
  });
});
