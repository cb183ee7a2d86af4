import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { knownBuckets, prepareKeptState, withoutPositions } from '../../../lib/local-cloud/kept-state.ts';
import { type LocalPaths, localPaths } from '../../../lib/local-cloud/paths.ts';
import { temporaryFolder } from '../../_helpers/temporary-folder.ts';

const functions = (payload: object) => JSON.stringify({ __ministack_format__: 3, payload });
const buckets = (...names: string[]) =>
  JSON.stringify({
    __ministack_format__: 2,
    payload: {
      buckets_meta: {
        __scoped__: true,
        data: Object.fromEntries(names.map((name) => [`000000000000\0'${name}'`, {}])),
      },
    },
  });

describe('positions of stream mappings', () => {
  it('are taken out, and all else stays as it was', () => {
    const text = functions({
      esms: { a: { UUID: 'u' } },
      dynamodb_stream_positions: { u: 7 },
      kinesis_positions: { k: 1 },
    });
    expect(JSON.parse(withoutPositions(text) ?? '')).toEqual({
      __ministack_format__: 3,
      payload: { esms: { a: { UUID: 'u' } }, kinesis_positions: { k: 1 } },
    });
  });

  it.each([
    ['none in it', functions({ esms: {} })],
    ['no JSON', 'x'],
    ['no document of this form', '[]'],
  ])('leave a file with %s alone', (_what, text) => expect(withoutPositions(text)).toBeUndefined());
});

describe('the kept state', () => {
  function kept(): LocalPaths {
    const paths = localPaths(temporaryFolder());
    mkdirSync(paths.emulatorState, { recursive: true });
    for (const bucket of ['known', 'unknown']) {
      const folder = join(paths.emulatorObjects, '000000000000', bucket);
      mkdirSync(folder, { recursive: true });
      writeFileSync(join(folder, 'object'), 'x');
    }
    return paths;
  }
  const has = (paths: LocalPaths, bucket: string) =>
    existsSync(join(paths.emulatorObjects, '000000000000', bucket, 'object'));

  it('loses the buckets that the last clean stop did not know', async () => {
    const paths = kept();
    writeFileSync(join(paths.emulatorState, 's3.json'), buckets('known'));
    writeFileSync(join(paths.emulatorState, 'lambda.json'), functions({ dynamodb_stream_positions: { u: 7 } }));
    await prepareKeptState(paths);
    expect({ known: has(paths, 'known'), unknown: has(paths, 'unknown') }).toEqual({ known: true, unknown: false });
    expect(readFileSync(join(paths.emulatorState, 'lambda.json'), 'utf8')).not.toContain('positions');
  });

  it('loses all buckets where there never was a clean stop', async () => {
    const paths = kept();
    await prepareKeptState(paths);
    expect(has(paths, 'known') || has(paths, 'unknown')).toBe(false);
  });

  it('loses none where the list of buckets has a form that is not known', async () => {
    const paths = kept();
    writeFileSync(join(paths.emulatorState, 's3.json'), '{"payload":{"buckets":[]}}');
    await prepareKeptState(paths);
    expect(has(paths, 'known') && has(paths, 'unknown')).toBe(true);
    expect(knownBuckets(JSON.stringify({ payload: { buckets_meta: { data: { odd: {} } } } }))).toBeUndefined();
  });
});
