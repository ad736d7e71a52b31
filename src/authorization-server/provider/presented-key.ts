import type { KoaContextWithOIDC } from 'oidc-provider';
import { certificateOf } from './engine.ts';

/** To what a request asks to bind tokens, in one text: the key of its DPoP proof, its certificate. Whether the proof holds is checked elsewhere. */
export function presentedKey(ctx: KoaContextWithOIDC): string {
  const [header] = ctx.get('DPoP').split('.');
  return JSON.stringify([header, String(certificateOf(ctx) ?? '')]);
}
