import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type CustomResourceEvent, customResource } from '../../../lib/aws/custom-resource.ts';

let server: Server;
let requests: { method: string | undefined; type: string | undefined; body: string }[];
let status: number;

beforeEach(async () => {
  requests = [];
  status = 200;
  server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk) => {
      body += chunk;
    });
    request.on('end', () => {
      requests.push({ method: request.method, type: request.headers['content-type'], body });
      response.writeHead(status).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterEach(async () => {
  await new Promise((resolve) => server.close(resolve));
});

const event = (over: Partial<CustomResourceEvent> = {}): CustomResourceEvent => ({
  RequestType: 'Create',
  ResponseURL: `http://127.0.0.1:${(server.address() as AddressInfo).port}/answer?signature=x`,
  StackId: 'stack',
  RequestId: 'request',
  LogicalResourceId: 'Seed',
  ResourceProperties: {},
  ...over,
});
const answer = () => JSON.parse(requests[0]?.body ?? 'null');

describe('a custom resource', () => {
  it('tells CloudFormation what it made', async () => {
    await customResource(async () => ({ physicalResourceId: 'made' }))(event());
    expect(requests).toHaveLength(1);
    // The URL is signed for no content type.
    expect(requests[0]).toMatchObject({ method: 'PUT', type: '' });
    expect(answer()).toEqual({
      StackId: 'stack',
      RequestId: 'request',
      LogicalResourceId: 'Seed',
      Status: 'SUCCESS',
      PhysicalResourceId: 'made',
    });
  });

  it('tells CloudFormation why it failed, and does not fail itself: nobody would hear of that', async () => {
    await customResource(() => Promise.reject(new Error('no such bucket')))(event());
    expect(answer()).toMatchObject({ Status: 'FAILED', Reason: 'no such bucket', PhysicalResourceId: 'Seed-failed' });
  });

  it('keeps the id when an update fails, so that nothing is deleted', async () => {
    const failing = customResource(() => Promise.reject(new Error('x'.repeat(5000))));
    await failing(event({ RequestType: 'Update', PhysicalResourceId: 'made' }));
    expect(answer().PhysicalResourceId).toBe('made');
    expect(Buffer.byteLength(requests[0]?.body ?? '')).toBeLessThan(4096);
  });

  it('throws when the answer is not taken, so that Lambda calls again', async () => {
    status = 403;
    const handler = customResource(async () => ({ physicalResourceId: 'made' }));
    await expect(handler(event())).rejects.toThrow('answered 403');
  });
});
