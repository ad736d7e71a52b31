/** (M): everything in one `Map` of the process. The engine's own in-memory adapter forgets all but the last 1,000. */
import type { Adapter, AdapterPayload } from 'oidc-provider';
import type { OpenStorage } from './storage.ts';

export const openStorage: OpenStorage = async () => {
  const artifacts = new Map<string, AdapterPayload>();
  const members = new Map<string, string[]>();
  const uids = new Map<string, string>();
  return { adapter: (kind) => new MapAdapter(kind, artifacts, members, uids) };
};

class MapAdapter implements Adapter {
  readonly #kind: string;
  readonly #artifacts: Map<string, AdapterPayload>;
  /** Of a grant. */
  readonly #members: Map<string, string[]>;
  readonly #uids: Map<string, string>;

  constructor(
    kind: string,
    artifacts: Map<string, AdapterPayload>,
    members: Map<string, string[]>,
    uids: Map<string, string>,
  ) {
    this.#kind = kind;
    this.#artifacts = artifacts;
    this.#members = members;
    this.#uids = uids;
  }

  async upsert(id: string, payload: AdapterPayload): Promise<void> {
    const key = this.#keyOf(id);
    if (payload.grantId !== undefined && !this.#artifacts.has(key)) {
      const siblings = this.#members.get(payload.grantId);
      if (siblings === undefined) {
        this.#members.set(payload.grantId, [key]);
      } else {
        siblings.push(key);
      }
    }
    if (payload.uid !== undefined) {
      this.#uids.set(payload.uid, id);
    }
    this.#artifacts.set(key, payload);
  }

  async find(id: string): Promise<AdapterPayload | undefined> {
    return this.#artifacts.get(this.#keyOf(id));
  }

  async findByUid(uid: string): Promise<AdapterPayload | undefined> {
    const id = this.#uids.get(uid);
    return id === undefined ? undefined : this.find(id);
  }

  async findByUserCode(): Promise<undefined> {}

  async consume(id: string): Promise<void> {
    const payload = this.#artifacts.get(this.#keyOf(id));
    if (payload) {
      payload.consumed = Math.floor(Date.now() / 1000);
    }
  }

  async destroy(id: string): Promise<void> {
    this.#artifacts.delete(this.#keyOf(id));
  }

  async revokeByGrantId(grantId: string): Promise<void> {
    for (const key of this.#members.get(grantId) ?? []) {
      this.#artifacts.delete(key);
    }
    this.#members.delete(grantId);
  }

  #keyOf(id: string): string {
    return `${this.#kind}:${id}`;
  }
}
