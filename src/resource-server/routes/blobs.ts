import { notFound, pathId } from '../http/path-id.ts';
import { bodyOf, invalidRequest, unsupportedMediaType } from '../http/read-body.ts';
import { ownerOf, reachOf } from '../owner.ts';
import type { BlobStore } from '../storage/blobs.ts';
import type { Handlers } from './router.ts';

/** RFC 9110 §8.3.1: type, subtype and perhaps parameters, in printable ASCII. */
const MEDIA_TYPE = /^[\w!#$%&'*+.^`|~-]+\/[\w!#$%&'*+.^`|~-]+(;[\x20-\x7e]*)?$/;
const LONGEST_MEDIA_TYPE = 255;

export function blobHandlers(blobs: BlobStore, limitBytes: number): Handlers<'POST /blobs' | 'GET /blobs/:id'> {
  return {
    'POST /blobs': async (ctx) => {
      if (ctx.get('Content-Encoding') !== '') {
        throw unsupportedMediaType('Send the bytes as they are, without a Content-Encoding.');
      }
      const contentType = mediaType(ctx.get('Content-Type'));
      const blob = await blobs.create(ownerOf(ctx.state.token), contentType, bodyOf(ctx.req, limitBytes));
      ctx.status = 201;
      ctx.set('Location', `/blobs/${blob.id}`);
      ctx.body = {
        id: blob.id,
        content_type: blob.contentType,
        size: blob.size,
        owner: blob.owner,
        created_at: blob.createdAt.toISOString(),
      };
    },

    'GET /blobs/:id': async (ctx) => {
      const blob = await blobs.find(pathId(ctx), reachOf(ctx.state.token));
      if (blob === undefined) {
        throw notFound();
      }
      // Whatever somebody uploaded as text/html is shown by no browser as a page of this origin.
      ctx.set({
        'Content-Type': blob.contentType,
        'Content-Length': String(blob.size),
        'Content-Disposition': 'attachment',
        'Content-Security-Policy': "sandbox; default-src 'none'",
      });
      ctx.body = blobs.read(blob);
    },
  };
}

function mediaType(header: string): string {
  if (header.length > LONGEST_MEDIA_TYPE || (header !== '' && !MEDIA_TYPE.test(header))) {
    throw invalidRequest('Content-Type is not a media type.');
  }
  return header || 'application/octet-stream';
}
