import { expect, it } from 'vitest';
import {
  RUNNER_IMAGE_RELAY,
  relayContainer,
  sandboxContainer,
} from '../../../../lib/local-cloud/sandbox-host/container-spec.ts';
import { endOf } from '../../../../lib/local-cloud/sandbox-host/docker-driver.ts';
import { taskOf } from '../../../sandbox/task.ts';

const PLACE = {
  cloud: 'abc',
  relay: 'relay-id',
  caFile: '/ca.crt',
  metadataUri: 'http://127.0.0.1:51679/v4/x',
  scratch: {},
};

it('gives a container what its task definition says', () => {
  const body = sandboxContainer(taskOf('t1', 'wflo/python:local', { WFLO_CODE: 'c' }), PLACE);
  expect(body.HostConfig).toMatchObject({
    Memory: 256 * 1024 * 1024,
    MemorySwap: 256 * 1024 * 1024,
    NanoCpus: 0.5e9,
    Privileged: false,
    ReadonlyRootfs: true,
    Init: true,
    PidsLimit: 512,
    Ulimits: [{ Name: 'nofile', Soft: 4096, Hard: 4096 }],
    NetworkMode: 'container:relay-id',
  });
  expect(body.HostConfig.CapDrop).toContain('NET_RAW');
  expect(body.HostConfig.Mounts.map(({ Type, Target }) => `${Type} ${Target}`)).toEqual([
    'volume /workspace',
    'volume /tmp',
    'bind /run/wflo-local-ca.pem',
  ]);
  expect(body.Env).toContain('ECS_CONTAINER_METADATA_URI_V4=http://127.0.0.1:51679/v4/x');
});

it('mounts scratch volumes of limited size where there are some', () => {
  const scratch = { '/tmp': '/gates/t1/scratch/1' };
  const body = sandboxContainer(taskOf('t1', 'wflo/python:local', {}), { ...PLACE, scratch });
  expect(body.HostConfig.Mounts).toContainEqual({
    Type: 'bind',
    Source: '/gates/t1/scratch/1',
    Target: '/tmp',
    ReadOnly: false,
  });
});

it('gives a relay no network, no capability and nothing to write to', () => {
  const place = { cloud: 'abc', taskId: 't1', gateFolder: '/gates/t1', apiPort: 4566, metadataPort: 51679 };
  expect(relayContainer(RUNNER_IMAGE_RELAY, place)).toMatchObject({
    User: '65534:65534',
    HostConfig: { NetworkMode: 'none', CapDrop: ['ALL'], ReadonlyRootfs: true },
  });
  expect(relayContainer(RUNNER_IMAGE_RELAY, place).Cmd.slice(3)).toEqual(['4566', '51679']);
  // The model gateway, where it is a server of its own, has its own port in the sandbox too.
  expect(relayContainer(RUNNER_IMAGE_RELAY, { ...place, modelsPort: 4600 }).Cmd.slice(3)).toEqual([
    '4566',
    '51679',
    '4600',
  ]);
});

it('tells a runner that was killed for its memory from one that reports its agent', () => {
  expect(endOf({ exitCode: 137, oomKilled: true, error: '' }).detail).toMatch(/^OutOfMemoryError: /);
  expect(endOf({ exitCode: 0, oomKilled: true, error: '' }).detail).toBe('the runner ended with code 0');
  expect(endOf({ exitCode: 137, oomKilled: false, error: '' }).detail).toBe('the runner ended with code 137');
});
