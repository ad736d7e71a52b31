/** This app alone, against any issuer: README.md tells what the variables are for. */
import { z } from 'zod';
import { createWebApp } from './app.ts';

const url = z.url({ protocol: /^https?$/ }).refine((value) => !value.endsWith('/'), 'ends in a slash');

const Environment = z.object({
  ISSUER: z.url({ protocol: /^https?$/ }),
  CLIENT_ID: z.string().min(1),
  CLIENT_SECRET: z.string().min(1),
  RESOURCE_API: url,
  OWN_URL: url.default('http://localhost:3003'),
  SCOPE: z.string().default('openid profile email roles records:read records:write'),
  PORT: z.coerce.number().int().min(1).max(65_535).default(3003),
});

const environment = Environment.safeParse(process.env);
if (!environment.success) {
  console.error(z.prettifyError(environment.error));
  process.exit(1);
}
const { ISSUER, CLIENT_ID, CLIENT_SECRET, RESOURCE_API, OWN_URL, SCOPE, PORT } = environment.data;

const app = createWebApp({
  issuer: ISSUER,
  clientId: CLIENT_ID,
  clientSecret: CLIENT_SECRET,
  resourceApi: RESOURCE_API,
  ownUrl: OWN_URL,
  scope: SCOPE,
});
app.listen(PORT, '127.0.0.1', () => console.log(`web app  ${OWN_URL}`));
