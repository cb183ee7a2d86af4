import { once } from 'node:events';
import { type AddressInfo, createServer } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { choosePort, isPortFree } from '../../../lib/local-cloud/free-port.ts';

async function takenPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => void server.close());
  return (server.address() as AddressInfo).port;
}

describe('the port of the local AWS', () => {
  it('that was asked for is taken, or refused as port_in_use with its number', async () => {
    expect(await choosePort(4000, [5000], async () => true)).toBe(4000);
    const port = await takenPort();
    await expect(choosePort(port, [])).rejects.toMatchObject({
      code: 'port_in_use',
      message: expect.stringContaining(String(port)),
    });
  });

  it('is else the first preferred one that is free, else any free one', async () => {
    expect(await choosePort(undefined, [1, 2, 3], async (port) => port === 2)).toBe(2);
    const any = await choosePort(undefined, [await takenPort()]);
    expect(await isPortFree(any)).toBe(true);
  });
});
