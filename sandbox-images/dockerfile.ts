import { argumentName, type BaseImages, imageReference } from './base-images.ts';

/** Stage that every Dockerfile of a sandbox copies the runner from: `COPY --from=wflo-runner /opt/wflo /opt/wflo`. */
export const RUNNER_STAGE = 'wflo-runner';
/** Folder of a build context that the stage is made of. */
export const RUNNER_FOLDER = 'wflo-runner';

/**
 * A complete Dockerfile: the head of the image's own (parser directives and arguments, which are valid only before the
 * first stage), an argument per base image, the stage with the runner, and the rest of the image's own. Throws an
 * `Error` where the image's own has no `FROM`.
 */
export function composeDockerfile(own: string, runnerStage: string, bases: BaseImages): string {
  const from = /^[ \t]*FROM[ \t]/im.exec(own);
  if (from === null) throw new Error('a Dockerfile needs a FROM line');
  const head = own.slice(0, from.index).trim();
  const base = Object.entries(bases).map(([name, image]) => `ARG ${argumentName(name)}=${imageReference(image)}`);
  const parts = [head, base.join('\n'), runnerStage.trim(), own.slice(from.index).trim()];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

/** A `.dockerignore` that lets the runner's folder through, whatever else it keeps out. */
export function admitRunnerFolder(dockerignore: string): string {
  return `${dockerignore.trimEnd()}\n!${RUNNER_FOLDER}\n!${RUNNER_FOLDER}/**\n`;
}
