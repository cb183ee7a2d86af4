import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { type CustomResourceEvent, customResource } from '../../lib/aws/custom-resource.ts';
import { s3 } from '../shared/clients.ts';
import { environment } from '../shared/environment.ts';
import { describeFailure, platformHandler } from '../shared/platform-handler.ts';
import { logger } from '../shared/powertools.ts';
import { untilAllowed } from '../shared/until-allowed.ts';
import { type CodeObjects, copyCode } from './copy-code.ts';

const objects: CodeObjects = {
  async read(Bucket, Key) {
    const { Body } = await s3().send(new GetObjectCommand({ Bucket, Key }));
    return (await Body?.transformToByteArray()) ?? new Uint8Array();
  },
  async write(Key, Body, hash) {
    const ChecksumSHA256 = Buffer.from(hash, 'hex').toString('base64');
    await s3().send(
      new PutObjectCommand({
        Bucket: environment('ARTEFACT_BUCKET'),
        Key,
        Body,
        ChecksumSHA256,
        ContentType: 'application/gzip',
      }),
    );
  },
};

const answer = customResource(async (event) => {
  try {
    return await untilAllowed(() => copyCode(objects, event));
  } catch (error) {
    logger.error('code was not copied', { failure: describeFailure(error) });
    throw error;
  }
});

export const handler = platformHandler<CustomResourceEvent, void>({}, (event) => answer(event));
