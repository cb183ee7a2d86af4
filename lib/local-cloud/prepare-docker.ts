import type { CustomImages } from '../../sandbox-images/build-context.ts';
import { WfloError } from '../errors.ts';
import { inPhase, type Report } from './progress.ts';
import { engineClient, engineSocket } from './sandbox-host/engine-client.ts';
import { projectContextValue } from './stage.ts';

export interface DockerPreparation {
  /** Its own images are built as well. */
  readonly projectDir: string;
  readonly env: NodeJS.ProcessEnv;
  readonly report: Report;
}

interface Outside {
  readonly platform: NodeJS.Platform;
  readonly ping: (env: NodeJS.ProcessEnv) => Promise<unknown>;
  readonly build: (env: NodeJS.ProcessEnv, customImages: CustomImages) => Promise<unknown>;
}

const OUTSIDE: Outside = {
  platform: process.platform,
  ping: async (env) => engineClient(engineSocket(env)).ping(),
  async build(env, customImages) {
    const { buildImages } = await import('../../sandbox-images/build-images.ts');
    return buildImages({ env, report: () => undefined, customImages });
  },
};

/**
 * Looks for an engine and builds the images of sandboxes, those of the project included. Throws `local_setup_failed`,
 * and `invalid_settings` or `invalid_image` for what the project declares.
 */
export async function prepareDocker(
  { projectDir, env, report }: DockerPreparation,
  outside: Partial<Outside> = {},
): Promise<void> {
  const { platform, ping, build } = { ...OUTSIDE, ...outside };
  if (platform !== 'linux')
    throw new WfloError('local_setup_failed', 'sandboxes run in Docker on Linux only', {
      fix: 'Leave the driver out. Sandboxes reach the local AWS by a socket, which a virtual machine of Docker cannot mount.',
    });
  const customImages = await declaredImages(projectDir);
  try {
    await ping(env);
  } catch (error) {
    throw new WfloError('local_setup_failed', (error as Error).message, {
      fix: 'Start Docker on this machine and see that your user may use its socket, or leave the driver out.',
      cause: error,
    });
  }
  await inPhase(report, 'images', 'Building the images of sandboxes', async () => {
    try {
      await build(env, customImages);
    } catch (error) {
      throw new WfloError('local_setup_failed', (error as Error).message, {
        fix: 'Correct the Dockerfile of an image that is yours. Otherwise run `wflo doctor`.',
        cause: error,
      });
    }
  });
}

/** As `cdk.json` has them: what the deployment names, a sandbox must find. */
async function declaredImages(projectDir: string): Promise<CustomImages> {
  // Loaded here: it brings the bundler, which no other start needs.
  const { CUSTOM_IMAGES_KEY, customImagesOf } = await import('../constructs/sandbox-images/custom-images.ts');
  return customImagesOf(await projectContextValue(projectDir, CUSTOM_IMAGES_KEY), projectDir);
}
