import { createServer } from 'node:net';
import { WfloError } from '../errors.ts';

const LOOPBACK = '127.0.0.1';
/** Below the ephemeral ports of Linux and macOS, so that no outgoing connection holds it by chance. */
export const DEFAULT_PORT = 14566;

export type IsFree = (port: number) => Promise<boolean>;

export const isPortFree: IsFree = (port) => listen(port).then((taken) => taken !== undefined);

/** The wanted port (else `port_in_use`), else the preferred ones in order, else any that the system gives. */
export async function choosePort(
  wanted: number | undefined,
  preferred: readonly number[],
  isFree: IsFree = isPortFree,
): Promise<number> {
  if (wanted !== undefined) {
    if (await isFree(wanted)) return wanted;
    throw new WfloError('port_in_use', `port ${wanted} of ${LOOPBACK} is taken`, {
      fix: `End what listens there, or give another port (\`--port\`), or none: then a free one is taken.`,
    });
  }
  for (const port of preferred) if (await isFree(port)) return port;
  const port = await listen(0);
  if (port === undefined) throw new WfloError('local_setup_failed', `no port of ${LOOPBACK} can be opened`);
  return port;
}

/** Opens and closes the port; undefined where it cannot be opened. */
function listen(port: number): Promise<number | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(undefined));
    server.listen({ port, host: LOOPBACK, exclusive: true }, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : undefined));
    });
  });
}
