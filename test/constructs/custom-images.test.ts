import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkImages, imageNames, readCustomImages } from '../../lib/constructs/sandbox-images/custom-images.ts';
import type { LoadedWorkflow } from '../../lib/project/workflows.ts';
import { compiled, definition, sandbox } from '../_helpers/workflow-samples.ts';

let project: string;
beforeAll(() => {
  project = mkdtempSync(join(tmpdir(), 'wflo-images-'));
  mkdirSync(join(project, 'images', 'report'), { recursive: true });
  mkdirSync(join(project, 'images', 'empty'));
  writeFileSync(join(project, 'images', 'report', 'Dockerfile'), 'FROM scratch\n');
});
afterAll(() => rmSync(project, { recursive: true }));

const read = (value: unknown) => readCustomImages(new App({ context: { 'wflo:sandbox-images': value } }).node, project);

describe('images of a project', () => {
  it('are none where the key is not set', () => {
    expect(readCustomImages(new App().node, project)).toEqual({});
  });

  it('are folders by name, from cdk.json and from the command line', () => {
    const expected = { report: join(project, 'images', 'report') };
    expect(read({ report: './images/report' })).toEqual(expected);
    expect(read('{"report":"images/report"}')).toEqual(expected);
  });

  it.each([[[]], ['report'], [7], [null], [{ report: 7 }], [{ report: { folder: 'x' } }]])('refuse %j', (value) => {
    expect(() => read(value)).toThrow(
      expect.objectContaining({ code: 'invalid_settings', fix: expect.stringContaining('wflo:sandbox-images') }),
    );
  });

  it.each(['python', 'node', 'runner'])('cannot be called %s', (name) => {
    expect(() => read({ [name]: './images/report' })).toThrow(
      expect.objectContaining({ code: 'invalid_image', message: expect.stringContaining("one of Wflo's own") }),
    );
  });

  it.each(['', 'Report', 'my_report', '1st', 'a--b', '-a', 'a-', 'a/b', 'a:b', '../a', 'a'.repeat(33)])(
    'cannot be called %j',
    (name) => {
      expect(() => read({ [name]: './images/report' })).toThrow(
        expect.objectContaining({ code: 'invalid_image', message: expect.stringContaining(JSON.stringify(name)) }),
      );
    },
  );

  it.each([
    ['./images/missing', 'does not exist'],
    ['./images/report/Dockerfile', 'does not exist'],
    ['./images/empty', 'no Dockerfile'],
    ['..', '".."'],
    ['../other', '"../other"'],
    ['.', '"."'],
    ['/etc', '"/etc"'],
  ])('need a folder with a Dockerfile in the project: %s', (folder, told) => {
    expect(() => read({ report: folder })).toThrow(
      expect.objectContaining({ code: 'invalid_image', message: expect.stringContaining(told) }),
    );
  });
});

describe('the images of steps', () => {
  const using = (...images: string[]): readonly LoadedWorkflow[] => {
    const steps = images.map((image, index) => sandbox(`step-${index}`, { image }));
    return [{ name: 'sample', directory: project, compiled: compiled(definition(steps)) }];
  };

  it('are ours and those of the project', () => {
    const names = imageNames({ report: '/report', audit: '/audit' });
    expect(names).toEqual(['python', 'node', 'audit', 'report']);
    expect(() => checkImages(using('python', 'node', 'report'), names)).not.toThrow();
  });

  it('are refused by step, with the names that there are and the nearest of them', () => {
    expect(() => checkImages(using('python', 'reprot', 'runner'), imageNames({ report: '/report' }))).toThrow(
      expect.objectContaining({
        code: 'unknown_image',
        message: expect.stringMatching(
          /^sample\/step-1\.image: no image is called "reprot"\. Did you mean "?report"?\?\nsample\/step-2\.image: no image is called "runner"/,
        ),
        fix: expect.stringContaining('python, node, report'),
      }),
    );
  });
});
