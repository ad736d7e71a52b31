import { jwtVerify } from 'jose';
import { z } from 'zod';
import { type Handle, handlesOf } from './access-token.ts';
import { ALGS, type SigningKeys } from './signing-keys.ts';

const Opaque = z.object({ id: z.string() });
const IssSub = z.object({ iss: z.string(), sub: z.string() });

/** RFC 9493, and SSF 1.0 §3: as far as the authorization server names tokens, and what they end with. */
const Subject = z.union([
  z.object({ format: z.literal('jwt_id'), jti: z.string() }),
  z.object({ format: z.literal('iss_sub') }).and(IssSub),
  z.object({ format: z.literal('opaque') }).and(Opaque),
  z.object({
    format: z.literal('complex'),
    grant: Opaque.optional(),
    session: Opaque.optional(),
    user: IssSub.optional(),
    application: Opaque.optional(),
  }),
]);

const Claims = z.object({
  jti: z.string(),
  sub_id: Subject.or(z.looseObject({})),
  events: z.record(z.string(), z.unknown()),
});

const VERIFICATION = 'https://schemas.openid.net/secevent/ssf/event-type/verification';

/** What an event is about. */
export interface Touched {
  /** Of what may have ended, or changed; `undefined` where that may be anything. */
  readonly handles: readonly Handle[] | undefined;
}

export interface SecurityEventTokens {
  readonly issuer: string;
  readonly audience: string;
  readonly keys: Pick<SigningKeys, 'find'>;
}

/** RFC 8417 §2.2: verifies what was delivered under this `jti`. Throws when it is not what the issuer says to this audience. */
export async function readSecurityEvent(
  { issuer, audience, keys }: SecurityEventTokens,
  jti: string,
  set: string,
): Promise<Touched> {
  const { payload } = await jwtVerify(set, keys.find, { issuer, audience, typ: 'secevent+jwt', algorithms: ALGS });
  const { sub_id, events, ...claims } = Claims.parse(payload);
  if (claims.jti !== jti) {
    throw new Error('the security event is another one than was said');
  }
  return { handles: VERIFICATION in events ? [] : handlesIn(sub_id, issuer) };
}

/** A subject with several members means what has all of them: the narrowest finds all that, and little else. */
function handlesIn(subject: z.infer<typeof Claims>['sub_id'], issuer: string): readonly Handle[] | undefined {
  const { success, data } = Subject.safeParse(subject);
  if (!success) {
    return undefined;
  }
  switch (data.format) {
    case 'jwt_id':
      return handlesOf({ token: data.jti });
    case 'iss_sub':
      return data.iss === issuer ? handlesOf({ account: data.sub }) : [];
    case 'complex': {
      const { grant, session, user, application } = data;
      const named = handlesOf({
        grant: grant?.id,
        session: session?.id,
        account: user?.sub,
        client: application?.id,
      });
      return named.length === 0 ? undefined : named.slice(0, 1);
    }
    default:
      return undefined;
  }
}
