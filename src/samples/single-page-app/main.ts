/** This app alone, against any issuer: README.md tells what the variables are for. */
import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { createSinglePageApp } from './app.ts';

const url = z.url({ protocol: /^https?$/ }).refine((value) => !value.endsWith('/'), 'ends in a slash');

const Environment = z.object({
  ISSUER: z.url({ protocol: /^https?$/ }),
  CLIENT_ID: z.string().min(1),
  CLIENT_SECRET: z.string().min(1),
  RESOURCE_API: url,
  OWN_URL: url.default('http://localhost:3004'),
  SCOPE: z.string().default('openid profile email roles records:read records:write blobs:read reports:run'),
  // Left out, a restart signs everybody out.
  COOKIE_SECRET: z.string().min(32).default(randomBytes(32).toString('base64url')),
  PORT: z.coerce.number().int().min(1).max(65_535).default(3004),
});

const environment = Environment.safeParse(process.env);
if (!environment.success) {
  console.error(z.prettifyError(environment.error));
  process.exit(1);
}
const { ISSUER, CLIENT_ID, CLIENT_SECRET, RESOURCE_API, OWN_URL, SCOPE, COOKIE_SECRET, PORT } = environment.data;

const app = createSinglePageApp({
  issuer: ISSUER,
  clientId: CLIENT_ID,
  clientSecret: CLIENT_SECRET,
  resourceApi: RESOURCE_API,
  ownUrl: OWN_URL,
  scope: SCOPE,
  cookieSecret: COOKIE_SECRET,
});
app.listen(PORT, '127.0.0.1', () => console.log(`single-page app  ${OWN_URL}`));
