import { availableParallelism } from 'node:os';
import { z } from 'zod';
import { accounts, brand, ldap, upstreamProvider } from './people.ts';
import { playgroundIssuer } from './playground.ts';
import { because, count, listen, port, scopes, seconds, webUrl } from './values.ts';

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

/** What each of them means is in authorization-server/profiles. */
const PROFILES = ['rfc6749', 'oauth-2.1', 'fapi-2.0', 'mcp'] as const;

/** Those that there is a catalogue of messages for, in locales/. */
const LANGUAGES = ['en', 'de', 'ja', 'pt-BR'] as const;

/** RFC 7591 §2, and the grants that are extensions. */
const GRANT_TYPES = [
  'authorization_code',
  'implicit',
  'password',
  'client_credentials',
  'refresh_token',
  'urn:ietf:params:oauth:grant-type:device_code',
  'urn:openid:params:grant-type:ciba',
  'urn:ietf:params:oauth:grant-type:token-exchange',
  'urn:ietf:params:oauth:grant-type:jwt-bearer',
] as const;

/** RFC 6749 §4.1.2: "A maximum authorization code lifetime of 10 minutes is RECOMMENDED." */
const LONGEST_AUTHORIZATION_CODE = 600;

/** Enough for any retry; a thief has as long as a client. */
const LONGEST_REFRESH_GRACE = 300;

/** Of the four threads that libuv has for hashing, files and name look-ups, one stays free for the others. */
const HASHING_THREADS = 3;

const origin = z
  .string()
  .refine(
    (value) => URL.parse(value)?.origin === value,
    because('is not an origin', 'write scheme, host and port only, like https://app.example.com'),
  );

/** Libraries compare the issuer letter by letter, so there is one way to write it. */
const issuer = webUrl.refine((value) => [value, `${value}/`].includes(URL.parse(value)?.href ?? ''), {
  ...because('is not written as a URL is compared', 'write scheme and host in small letters, without a default port'),
  when: ({ issues }) => issues.length === 0,
});

const lifetimes = z
  .strictObject({
    accessToken: seconds,
    clientCredentials: seconds,
    authorizationCode: seconds.max(LONGEST_AUTHORIZATION_CODE),
    idToken: seconds,
    refreshToken: seconds,
    refreshGrace: z.int().min(0).max(LONGEST_REFRESH_GRACE),
    session: seconds,
    grant: seconds,
    interaction: seconds,
    recentSignIn: seconds,
    mailedLink: seconds,
    invitation: seconds,
  })
  .refine(({ grant, refreshToken }) => !(grant < refreshToken), {
    ...because('is shorter than lifetimes.refreshToken', 'raise it: a refresh token dies with its grant'),
    path: ['grant'],
    when: ({ issues }) => issues.every(({ path }) => path?.[0] !== 'grant' && path?.[0] !== 'refreshToken'),
  });

const passwords = z.strictObject({
  /** OWASP's least for Argon2id with two iterations; raising it is an operator's decision, lowering it is not. */
  memoryKiB: z.int().min(19_456).max(4_194_304),
  iterations: z.int().min(2).max(100),
  parallelism: z.int().min(1).max(64),
  concurrency: count
    .max(1024)
    .nullable()
    .transform((value) => value ?? Math.min(availableParallelism(), HASHING_THREADS)),
  queue: z.int().min(0).max(100_000),
  maxLength: z.int().min(64).max(65_536),
  /** ASVS 5.0 V6.2.1: eight at least, fifteen recommended. */
  minLength: z.int().min(8).max(64),
  minLengthWithSecondFactor: z.int().min(8).max(64),
  breached: z.strictObject({ enabled: z.boolean(), url: webUrl }),
});

const registration = z.strictObject({
  access: z.enum(['closed', 'initial-access-token', 'open']).nullable(),
  grantTypes: z.array(z.enum(GRANT_TYPES)),
  scopes: scopes.nullable(),
  unusedLifetime: seconds,
  mostUnused: count.max(1_000_000),
});

const headerName = z
  .string()
  .regex(/^[A-Za-z0-9-]{1,100}$/, because('is not the name of a header', 'write it like X-Client-Certificate'));

/** What of it says nothing would be forgotten in silence, by an operator who counts on it. */
const mutualTls = z
  .strictObject({ header: headerName.nullable(), verifiedHeader: headerName.nullable(), origin: origin.nullable() })
  .superRefine((given, context) => {
    const idle = (['verifiedHeader', 'origin'] as const).filter(
      (name) => given[name] !== null && given.header === null,
    );
    for (const name of idle) {
      const params = { fix: 'set mutualTls.header, or leave this out' };
      context.addIssue({ code: 'custom', path: [name], message: 'means nothing without mutualTls.header', params });
    }
  });

const resourceApi = z.strictObject({
  issuer: webUrl.nullable(),
  listen,
  identifier: webUrl,
  strategy: z.enum(['introspection', 'jwt', 'repository']),
  clientId: z.string().min(1),
  allowedOrigins: z.array(origin),
  blobLimitBytes: count,
  introspectionTimeoutMs: count.max(60_000),
});

/** Everything that may stand in YAML, which is everything but secrets. Defaults live in config/default.yaml alone. */
export const Settings = z
  .strictObject({
    issuer,
    profile: z.enum(PROFILES),
    listen,
    trustedProxies: z.int().min(0).max(16),
    mutualTls,
    workers: count.max(1024),
    database: z.strictObject({ poolSize: count.max(1000), preparedStatements: z.boolean() }),
    lifetimes,
    pendingSignIns: count,
    passwords,
    lockout: z.strictObject({ attempts: count, seconds }),
    accounts,
    secondFactor: z.strictObject({
      policy: z.enum(['optional', 'required']),
      requiredForRoles: z.array(z.string().min(1)),
    }),
    upstreamProviders: z.array(upstreamProvider).max(20),
    ldap: ldap.nullable(),
    mail: z.strictObject({ from: z.string().min(3).max(200).nullable() }),
    brand,
    languages: z.strictObject({ default: z.enum(LANGUAGES) }),
    audit: z.strictObject({ retention: seconds }),
    geoip: z.strictObject({ database: z.string().min(1).nullable() }),
    registration,
    clientIdMetadataDocuments: z.strictObject({ enabled: z.boolean().nullable() }),
    log: z.strictObject({ level: z.enum(LOG_LEVELS) }),
    metrics: z.strictObject({ host: z.string().min(1), port: port.nullable() }),
    resourceApi,
    playground: z.strictObject({ listen, issuers: z.array(playgroundIssuer).max(20) }),
    samples: z.strictObject({ webApp: z.strictObject({ listen }), singlePageApp: z.strictObject({ listen }) }),
  })
  .refine(({ mutualTls: { header }, trustedProxies }) => header === null || trustedProxies > 0, {
    ...because('is set, and no proxy is trusted', 'set trustedProxies: anyone else can send that header, too'),
    path: ['mutualTls', 'header'],
    when: ({ issues }) => issues.every(({ path }) => path?.[0] !== 'mutualTls' && path?.[0] !== 'trustedProxies'),
  })
  .transform((settings) => ({
    ...settings,
    resourceApi: { ...settings.resourceApi, issuer: settings.resourceApi.issuer ?? settings.issuer },
  }));
export type Settings = z.infer<typeof Settings>;

export type Mode = 'development' | 'production';

export type Frozen<T> = T extends object ? { readonly [K in keyof T]: Frozen<T[K]> } : T;

/** What the authorization server runs with. */
export type Config = Frozen<
  Omit<Settings, 'registration' | 'clientIdMetadataDocuments' | 'accounts' | 'mail' | 'upstreamProviders' | 'ldap'> & {
    mode: Mode;
    accounts: Omit<Settings['accounts'], 'registration'> & { registration: 'closed' | 'invitation' | 'open' };
    /** `smtpUrl` is null where no mail is sent: in development it is kept for the mailbox page. */
    mail: { smtpUrl: string | null; from: string };
    upstreamProviders: (Settings['upstreamProviders'][number] & { clientSecret: string | undefined })[];
    ldap: (NonNullable<Settings['ldap']> & { bindPassword: string | undefined }) | null;
    registration: Omit<Settings['registration'], 'access' | 'scopes'> & {
      access: 'closed' | 'initial-access-token' | 'open';
      scopes: string[] | 'all';
    };
    clientIdMetadataDocuments: { enabled: boolean };
    database: { url: string };
    /** The first one encrypts, all of them decrypt. */
    secrets: [string, ...string[]];
  }
>;

/** What is enough to look after the database of the authorization server. */
export type DatabaseConfig = Omit<Config, 'secrets'>;

/** What the resource API runs with. It needs no secret of the authorization server, so it is given none. */
export type ResourceApiConfig = Frozen<
  Settings['resourceApi'] & {
    mode: Mode;
    databaseUrl: string;
    clientSecret: string;
    /** Of the authorization server, or a replica of it, where tokens are looked up there. */
    tokenDatabaseUrl: string | undefined;
    log: Settings['log'];
  }
>;
