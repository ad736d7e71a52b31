import { randomBytes } from 'node:crypto';
import { parseArgs } from 'node:util';
import { type ListeningServer, listen } from '../http/listen.ts';
import { createSinglePageApp } from '../samples/single-page-app/app.ts';
import { createWebApp } from '../samples/web-app/app.ts';
import { stopOnSignal } from './stop-on-signal.ts';

interface Listen {
  readonly host: string;
  readonly port: number;
}

export interface SampleAddresses {
  readonly issuer: string;
  readonly resourceApi: string;
  readonly sampleWebApp: string;
  readonly sampleSinglePageApp: string;
}

export interface SamplePlaces {
  readonly webApp: { readonly listen: Listen };
  readonly singlePageApp: { readonly listen: Listen };
}

export interface RunningSamples {
  stop(): Promise<void>;
}

const BOTH = 'openid profile email roles records:read records:write';

/** As config/demo.yaml registers them. Rejects with the socket's error when a port cannot be had. */
export async function startSamples(
  { webApp, singlePageApp }: SamplePlaces,
  { issuer, resourceApi, sampleWebApp, sampleSinglePageApp }: SampleAddresses,
): Promise<RunningSamples> {
  const web = createWebApp({
    issuer,
    resourceApi,
    ownUrl: sampleWebApp,
    clientId: 'sample-web',
    clientSecret: 'sample-web-secret',
    scope: BOTH,
  });
  const spa = createSinglePageApp({
    issuer,
    resourceApi,
    ownUrl: sampleSinglePageApp,
    clientId: 'sample-spa',
    clientSecret: 'sample-spa-secret',
    scope: `${BOTH} blobs:read reports:run`,
    cookieSecret: randomBytes(32).toString('base64url'),
  });
  const running: ListeningServer[] = [];
  const stop = async () => {
    await Promise.all(running.splice(0).map((server) => server.close()));
  };
  try {
    running.push(await listen(web.callback(), webApp.listen));
    running.push(await listen(spa.callback(), singlePageApp.listen));
  } catch (error) {
    await stop();
    throw error;
  }
  return { stop };
}

/** `concierge samples`: both sample clients, beside an authorization server and an API that run elsewhere. */
export async function run(argv: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...argv],
    options: {
      issuer: { type: 'string', default: 'http://localhost:3000' },
      'resource-api': { type: 'string', default: 'http://localhost:3001' },
    },
  });
  const addresses = {
    issuer: values.issuer,
    resourceApi: values['resource-api'],
    sampleWebApp: 'http://localhost:3003',
    sampleSinglePageApp: 'http://localhost:3004',
  };
  const places = {
    webApp: { listen: { host: '127.0.0.1', port: 3003 } },
    singlePageApp: { listen: { host: '127.0.0.1', port: 3004 } },
  };
  const samples = await startSamples(places, addresses);
  console.log(`web app          ${addresses.sampleWebApp}\nsingle-page app  ${addresses.sampleSinglePageApp}`);
  stopOnSignal(samples.stop);
}
