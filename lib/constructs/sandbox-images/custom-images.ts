import { statSync } from 'node:fs';
import { isAbsolute, join, relative } from 'node:path';
import type { Node } from 'constructs';
import { SANDBOX_IMAGES } from '../../../sandbox-images/build-context.ts';
import { didYouMean } from '../../client/nearest.ts';
import { WfloError } from '../../errors.ts';
import { isJsonObject } from '../../json.ts';
import type { LoadedWorkflow } from '../../project/workflows.ts';

/** Context key: an object that maps the name of an image to a folder with a `Dockerfile`, relative to the project. */
export const CUSTOM_IMAGES_KEY = 'wflo:sandbox-images';

/** Ours that steps can name; `runner` is what images are made with. */
const STEP_IMAGES = SANDBOX_IMAGES.filter((image) => image !== 'runner');

/** Part of the names of task definition families and of images. */
const NAME = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/;
const NAME_LENGTH = 32;

/**
 * The project's own images, as absolute folders by name. Throws `invalid_settings` for a value that is no map of texts,
 * and `invalid_image` for a name that cannot be used or a folder without a `Dockerfile`.
 */
export function readCustomImages(node: Node, projectDir: string): Readonly<Record<string, string>> {
  return customImagesOf(node.tryGetContext(CUSTOM_IMAGES_KEY), projectDir);
}

/** Of the context value itself, where no app is made. Throws as `readCustomImages`. */
export function customImagesOf(value: unknown, projectDir: string): Readonly<Record<string, string>> {
  const entries = Object.entries(readMap(value));
  return Object.fromEntries(entries.map(([name, folder]) => [name, checkedFolder(name, folder, projectDir)]));
}

/** Every name that a step may have as its image. */
export function imageNames(customImages: Readonly<Record<string, string>>): readonly string[] {
  return [...STEP_IMAGES, ...Object.keys(customImages).sort()];
}

/** Throws `unknown_image` with every step whose image the deployment does not have. */
export function checkImages(workflows: readonly LoadedWorkflow[], names: readonly string[]): void {
  const unknown = workflows.flatMap(({ name, compiled }) =>
    compiled.sandboxes
      .filter(({ image }) => !names.includes(image))
      .map(({ path, image }) => ({ path: `${name}/${path}.image`, image })),
  );
  if (unknown.length === 0) return;
  const lines = unknown.map(
    ({ path, image }) => `${path}: no image is called ${JSON.stringify(image)}.${didYouMean(image, names)}`,
  );
  throw new WfloError('unknown_image', lines.join('\n'), {
    fix: `name one of ${names.join(', ')}, or add yours to ${CUSTOM_IMAGES_KEY} in cdk.json`,
    details: { unknown, images: names },
  });
}

function readMap(value: unknown): Readonly<Record<string, string>> {
  if (value === undefined) return {};
  const map = typeof value === 'string' ? parsed(value) : value;
  if (isJsonObject(map) && Object.values(map).every((folder) => typeof folder === 'string')) {
    return map as Readonly<Record<string, string>>;
  }
  throw new WfloError('invalid_settings', `the context value ${CUSTOM_IMAGES_KEY} is ${JSON.stringify(value)}`, {
    fix: `set ${CUSTOM_IMAGES_KEY} in cdk.json to an object such as { "report": "./images/report" }`,
  });
}

/** What `-c` gives is text. */
function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function checkedFolder(name: string, folder: string, projectDir: string): string {
  if (SANDBOX_IMAGES.some((image) => image === name)) {
    throw refused(
      `the image name "${name}" in ${CUSTOM_IMAGES_KEY} is one of Wflo's own`,
      'give the image another name',
    );
  }
  if (!NAME.test(name) || name.length > NAME_LENGTH) {
    throw refused(
      `${JSON.stringify(name)} in ${CUSTOM_IMAGES_KEY} cannot be the name of an image`,
      `use at most ${NAME_LENGTH} lower-case letters, digits and single hyphens, beginning with a letter`,
    );
  }
  const absolute = join(projectDir, folder);
  const inside = relative(projectDir, absolute);
  if (isAbsolute(folder) || inside === '' || inside === '..' || inside.startsWith('../')) {
    throw refused(
      `the folder of the image "${name}" is ${JSON.stringify(folder)}`,
      'write the path of a folder in the project, relative to cdk.json',
    );
  }
  if (statSync(absolute, { throwIfNoEntry: false })?.isDirectory() !== true) {
    throw refused(
      `the folder of the image "${name}" does not exist: ${absolute}`,
      `create it, or correct ${CUSTOM_IMAGES_KEY}`,
    );
  }
  const dockerfile = join(absolute, 'Dockerfile');
  if (statSync(dockerfile, { throwIfNoEntry: false })?.isFile() !== true) {
    throw refused(`the image "${name}" has no Dockerfile in ${absolute}`, 'write one');
  }
  return absolute;
}

function refused(message: string, fix: string): WfloError {
  return new WfloError('invalid_image', message, { fix });
}
