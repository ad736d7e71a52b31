/** A picture that is served as what it is, whatever its file is called. */
export interface Picture {
  readonly extension: '.svg' | '.png' | '.jpg' | '.webp';
  readonly content: Buffer;
}

/** `undefined` for what is none of these. */
export function pictureOf(content: Buffer): Picture | undefined {
  const extension = extensionOf(content);
  return extension === undefined ? undefined : { extension, content };
}

function extensionOf(content: Buffer): Picture['extension'] | undefined {
  const begins = (bytes: string, at = 0) => content.subarray(at, at + bytes.length).toString('latin1') === bytes;
  if (begins('\x89PNG\r\n\x1a\n')) {
    return '.png';
  }
  if (begins('\xff\xd8\xff')) {
    return '.jpg';
  }
  if (begins('RIFF') && begins('WEBP', 8)) {
    return '.webp';
  }
  // What may stand before the root: a byte order mark, a declaration, comments, a document type.
  const text = content.toString('utf8').replace(/^\uFEFF/, '');
  return /^(\s|<\?[^>]*>|<!--[\s\S]*?-->|<!DOCTYPE[^>[]*>)*<svg[\s>]/i.test(text) ? '.svg' : undefined;
}
