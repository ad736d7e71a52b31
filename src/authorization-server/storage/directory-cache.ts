import type { ConnectionLogger } from '../../database/connect.ts';
import type { Client, ClientStore } from '../clients/client.ts';
import type { ResourceServer, ResourceStore, Role } from '../resources/resource-server.ts';
import { DirectoryVersion } from './directory-version.ts';

/** Where the directory is read from. */
export interface DirectorySource {
  readonly clients: ClientStore;
  readonly resources: ResourceStore & { listRoles(): Promise<readonly Role[]> };
}

export interface DirectoryCacheOptions extends DirectorySource {
  readonly url: string;
  readonly logger: ConnectionLogger;
  /** Clients to keep at most. */
  readonly capacity?: number | undefined;
  /** Monotonic, milliseconds. */
  readonly now?: (() => number) | undefined;
}

const CAPACITY = 10_000;

/**
 * Clients, resource servers and roles, kept in memory as long as it is certain that they have not changed for a second or
 * more; else they are read for every call. A change anywhere drops all: changes are rare, and what is asked for again is
 * read once. Nothing of accounts, grants, tokens and sessions is kept, here or elsewhere.
 */
export class DirectoryCache implements ClientStore, ResourceStore {
  readonly #source: DirectorySource;
  readonly #capacity: number;
  readonly #version: DirectoryVersion;
  readonly #ofRequests = new WeakMap<object, Known>();
  #known: Known;

  constructor({ url, logger, now, capacity = CAPACITY, ...source }: DirectoryCacheOptions) {
    this.#source = source;
    this.#capacity = capacity;
    this.#known = nothingKnown(source, capacity);
    this.#version = new DirectoryVersion({ url, logger, now, onChange: () => this.#drop() });
  }

  findClient(clientId: string): Promise<Client | undefined> {
    return this.#now().findClient(clientId);
  }

  listResourceServers(): Promise<readonly ResourceServer[]> {
    return this.#now().listResourceServers();
  }

  permittedScopes(roles: readonly string[]): Promise<ReadonlySet<string>> {
    return this.#now().permittedScopes(roles);
  }

  /**
   * For everything that one request decides: all its decisions rest on the same client, resource servers and roles. The
   * next request sees the next state.
   */
  of(request: object): ClientStore & ResourceStore {
    const known = this.#ofRequests.get(request) ?? this.#now();
    this.#ofRequests.set(request, known);
    return known;
  }

  /** Resolves when whatever was committed before can be seen here. */
  confirm(): Promise<void> {
    return this.#version.confirm();
  }

  close(): Promise<void> {
    return this.#version.close();
  }

  /** Where it is not certain that nothing has changed, what is read is for whoever asks, alone. */
  #now(): Known {
    return this.#version.isKnown ? this.#known : nothingKnown(this.#source, this.#capacity);
  }

  /** A read that is under way goes on filling what nobody looks at any more: it may have begun before the change. */
  #drop(): void {
    this.#known = nothingKnown(this.#source, this.#capacity);
  }
}

/** One state of the directory, as far as it has been read. */
type Known = ClientStore & ResourceStore;

function nothingKnown({ clients, resources }: DirectorySource, capacity: number): Known {
  const listRoles = readOnce(() => resources.listRoles());
  return {
    findClient: readEachOnce((clientId) => clients.findClient(clientId), capacity),
    listResourceServers: readOnce(() => resources.listResourceServers()),
    async permittedScopes(names) {
      const roles = (await listRoles()).filter(({ name }) => names.includes(name));
      return new Set(roles.flatMap(({ scopes }) => scopes));
    },
  };
}

/** Whoever asks meanwhile shares the read; after one that failed the next tries again. */
function readOnce<Value>(read: () => Promise<Value>): () => Promise<Value> {
  let value: Promise<Value> | undefined;
  return () => {
    value ??= read().catch((error: unknown) => {
      value = undefined;
      throw error;
    });
    return value;
  };
}

/** The same for each key. What is absent is not kept: strangers can think up any number of ids. */
function readEachOnce<Value>(read: (key: string) => Promise<Value | undefined>, capacity: number) {
  const kept = new Map<string, Value>();
  const underWay = new Map<string, Promise<Value | undefined>>();
  const readAndKeep = async (key: string) => {
    try {
      const value = await read(key);
      if (value !== undefined) {
        dropOldest(kept, capacity - 1);
        kept.set(key, value);
      }
      return value;
    } finally {
      underWay.delete(key);
    }
  };
  return async (key: string): Promise<Value | undefined> => {
    const known = kept.get(key);
    if (known !== undefined) {
      return known;
    }
    const value = underWay.get(key) ?? readAndKeep(key);
    underWay.set(key, value);
    return value;
  };
}

function dropOldest(map: Map<string, unknown>, size: number): void {
  for (const key of map.keys()) {
    if (map.size <= size) {
      return;
    }
    map.delete(key);
  }
}
