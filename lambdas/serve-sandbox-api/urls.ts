import type { UrlsAnswer, UrlsRequest } from '../../lib/sandbox/protocol.ts';
import { outputUploadKey, workspaceKey } from '../../lib/sandbox/upload-key.ts';
import type { SandboxApiPorts } from './ports.ts';
import { authorise, requireLive } from './session.ts';

/** An upload URL that takes exactly the announced bytes. */
export async function urls(
  ports: SandboxApiPorts,
  request: UrlsRequest,
  authorization: string | undefined,
): Promise<UrlsAnswer> {
  const caller = await authorise(ports, authorization, request.epoch);
  requireLive(caller);
  const { address } = caller;
  const key =
    request.purpose === 'output'
      ? outputUploadKey(address, request.sha256)
      : workspaceKey(address.executionId, request.sha256);
  return ports.blobs.uploadUrl(key, request.bytes, request.sha256);
}
