import { createServer } from 'node:net';
import { networkInterfaces } from 'node:os';

/** A server of this machine that says `hello` to whoever reaches it. */
export interface Listener {
  readonly port: number;
  /** IPv4 addresses of this machine. */
  readonly addresses: readonly string[];
  close(): void;
}

export async function openListener(): Promise<Listener> {
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.end('hello');
  });
  await new Promise<void>((resolve) => server.listen(0, '0.0.0.0', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the listener has no port');
  return {
    port: address.port,
    addresses: Object.values(networkInterfaces())
      .flatMap((entries) => entries ?? [])
      .filter(({ family }) => family === 'IPv4')
      .map((entry) => entry.address),
    close: () => server.close(),
  };
}
