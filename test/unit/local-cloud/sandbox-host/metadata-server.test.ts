import { afterEach, beforeEach, expect, it } from 'vitest';
import { type MetadataServer, startMetadataServer } from '../../../../lib/local-cloud/sandbox-host/metadata-server.ts';
import { TASK, TASK_DEFINITION } from '../../../_helpers/sandbox-scene.ts';

const task = {
  taskArn: TASK,
  taskId: '0123456789abcdef',
  clusterArn: 'arn:aws:ecs:us-east-1:123456789012:cluster/wflo-dev',
  taskDefinitionArn: TASK_DEFINITION,
  image: 'wflo/python:local',
  environment: { WFLO_CODE: 'secret' },
};

let server: MetadataServer;
beforeEach(async () => {
  server = await startMetadataServer();
});
afterEach(() => server.close());

it('answers as the endpoint of ECS, without the environment of the task', async () => {
  const uri = server.add(task);
  const body = await (await fetch(`${uri}/task`)).json();
  expect(body).toMatchObject({ TaskARN: TASK, Cluster: task.clusterArn, Family: 'sandbox', Revision: '1' });
  expect(JSON.stringify(body)).not.toContain('secret');
  expect(await (await fetch(uri)).json()).toMatchObject({ Name: 'sandbox', Image: task.image });
});

it('knows a task only by its address, and only while it runs', async () => {
  const uri = server.add(task);
  expect((await fetch(`${new URL(uri).origin}/v4/${task.taskId}/task`)).status).toBe(404);
  server.remove(task.taskId);
  expect((await fetch(`${uri}/task`)).status).toBe(404);
});
