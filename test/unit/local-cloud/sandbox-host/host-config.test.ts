import { expect, it } from 'vitest';
import { parseHostConfig } from '../../../../lib/local-cloud/sandbox-host/host-config.ts';

const CONFIG = {
  endpoint: 'https://localhost:4566',
  port: 4566,
  region: 'us-east-1',
  account: '000000000000',
  stage: 'dev',
  caFile: '/tmp/ca.crt',
  credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
  workFolder: '/tmp/work',
  statusFile: '/tmp/status.json',
};

it('takes what `local up` writes', () => {
  expect(parseHostConfig(JSON.stringify(CONFIG), 'config.json')).toEqual(CONFIG);
});

it('takes both drivers', () => {
  for (const driver of ['docker', 'process'])
    expect(parseHostConfig(JSON.stringify({ ...CONFIG, driver }), 'config.json')).toMatchObject({ driver });
});

it.each([
  ['text that is not JSON', '{'],
  ['a missing field', JSON.stringify({ ...CONFIG, caFile: undefined })],
  ['a driver that does not exist', JSON.stringify({ ...CONFIG, driver: 'vm' })],
])('refuses %s', (_what, text) => {
  expect(() => parseHostConfig(text, 'config.json')).toThrow(expect.objectContaining({ code: 'local_setup_failed' }));
});
