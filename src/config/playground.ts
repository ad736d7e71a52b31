/** Which authorization servers the playground may talk to besides the one that it is started for. */
import { z } from 'zod';
import { because, foreignUrl, webUrl } from './values.ts';

const client = z.strictObject({
  clientId: z.string().min(1),
  /** The variable that holds the client's secret, or `…_FILE` the file; null: a public client. */
  clientSecretVariable: z
    .string()
    .regex(/^[A-Z][A-Z0-9_]*$/, because('is not the name of a variable', 'write it like STAGING_CLIENT_SECRET'))
    .nullable()
    .default(null),
  /** What its forms ask for at first. */
  scope: z.string().optional(),
});

export const playgroundIssuer = z.strictObject({
  issuer: foreignUrl.refine(
    (value) => value.startsWith('https:') || ['localhost', '127.0.0.1', '[::1]'].includes(new URL(value).hostname),
    because('is reached without TLS', 'name its https address'),
  ),
  name: z.string().min(1).max(60).optional(),
  /** Called with the tokens. */
  api: webUrl.optional(),
  /** Who is registered there for the playground: by what it is used for. */
  clients: z.partialRecord(z.enum(['web', 'spa', 'implicit', 'password', 'machine', 'device', 'shortLived']), client),
});
