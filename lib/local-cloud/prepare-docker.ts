import { WfloError } from '../errors.ts';
import { inPhase, type Report } from './progress.ts';
import { engineClient, engineSocket } from './sandbox-host/engine-client.ts';

/** Looks for an engine and builds the images of sandboxes. Throws `local_setup_failed`. */
export async function prepareDocker(env: NodeJS.ProcessEnv, report: Report): Promise<void> {
  if (process.platform !== 'linux')
    throw new WfloError('local_setup_failed', 'sandboxes run in Docker on Linux only', {
      fix: 'Leave the driver out. Sandboxes reach the local AWS by a socket, which a virtual machine of Docker cannot mount.',
    });
  try {
    await engineClient(engineSocket(env)).ping();
  } catch (error) {
    throw new WfloError('local_setup_failed', (error as Error).message, {
      fix: 'Start Docker on this machine and see that your user may use its socket, or leave the driver out.',
      cause: error,
    });
  }
  await inPhase(report, 'images', 'Building the images of sandboxes', async () => {
    const { buildImages } = await import('../../sandbox-images/build-images.ts');
    try {
      await buildImages({ env, report: () => undefined });
    } catch (error) {
      throw new WfloError('local_setup_failed', (error as Error).message, { fix: 'Run `wflo doctor`.', cause: error });
    }
  });
}
