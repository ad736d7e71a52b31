import { loadSettings, type Source } from '../config/load.ts';

export interface LocalAddresses {
  readonly issuer: string;
  readonly resourceApi: string;
  readonly playground: string;
  readonly sampleWebApp: string;
  readonly sampleSinglePageApp: string;
}

/**
 * Where the programs of `concierge dev` are reached. Who only moves a port expects its address to move along, so
 * an address that nobody configured follows the port.
 */
export function localAddresses(source: Source): { readonly actual: LocalAddresses; readonly usual: LocalAddresses } {
  const settings = loadSettings(source);
  const defaults = loadSettings({ env: {}, mode: source.mode });
  const usual = addressesOf(defaults);
  const configured = addressesOf(settings);
  return {
    usual,
    actual: {
      ...configured,
      issuer: configured.issuer === usual.issuer ? local(settings.listen.port) : configured.issuer,
      resourceApi:
        configured.resourceApi === usual.resourceApi ? local(settings.resourceApi.listen.port) : configured.resourceApi,
    },
  };
}

function addressesOf({ issuer, resourceApi, playground, samples }: ReturnType<typeof loadSettings>): LocalAddresses {
  return {
    issuer,
    resourceApi: resourceApi.identifier,
    playground: local(playground.listen.port),
    sampleWebApp: local(samples.webApp.listen.port),
    sampleSinglePageApp: local(samples.singlePageApp.listen.port),
  };
}

function local(port: number): string {
  return `http://localhost:${port}`;
}

const MENTIONED = ['resourceApi', 'playground', 'sampleWebApp', 'sampleSinglePageApp'] as const;

/** The demo directory speaks of the usual addresses. */
export function moveAddresses(text: string, usual: LocalAddresses, actual: LocalAddresses): string {
  const moved = new Map(MENTIONED.map((name) => [usual[name], actual[name]]));
  // In one go: an address may have moved to where another usually is.
  return text.replaceAll(/http:\/\/localhost:\d+/g, (address) => moved.get(address) ?? address);
}
