import type { UrlsAnswer, UrlsRequest } from '../../lib/sandbox/protocol.ts';
import { outputUploadKey } from '../../lib/sandbox/upload-key.ts';
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
  return ports.blobs.uploadUrl(outputUploadKey(caller.address, request.sha256), request.bytes, request.sha256);
}
