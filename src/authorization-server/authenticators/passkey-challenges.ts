import { randomBytes, timingSafeEqual } from 'node:crypto';

/** Milliseconds: a sign-in page may stand open for a while before somebody touches the key. */
const VALID = 30 * 60 * 1000;

const RANDOM_BYTES = 16;
const TIME_BYTES = 6;

export interface ChallengeDeps {
  /** HMACs under keys of this server, the present one first. */
  readonly macs: (text: string) => readonly string[];
  /** True for the first of any number of callers with this id, at any node. */
  readonly firstUse: (id: string, seconds: number) => Promise<boolean>;
  readonly now?: (() => number) | undefined;
}

/**
 * Challenges say themselves what they are for and until when, so that nothing is kept for those who only look at the page: a
 * random value, a time, and a MAC over both and over the place that they were drawn for. One that counted counts no second time.
 */
export function createChallenges({ macs, firstUse, now = Date.now }: ChallengeDeps) {
  const macsOf = (head: Buffer, place: string) => macs(`${head.toString('base64url')}\0${place}`);
  return {
    draw(place: string): Uint8Array<ArrayBuffer> {
      const until = Buffer.alloc(TIME_BYTES);
      until.writeUIntBE(now() + VALID, 0, TIME_BYTES);
      const head = Buffer.concat([randomBytes(RANDOM_BYTES), until]);
      return new Uint8Array(Buffer.concat([head, Buffer.from(macsOf(head, place)[0] ?? '', 'base64url')]));
    },
    /** Of base64url. */
    isValid(challenge: string, place: string): boolean {
      const bytes = Buffer.from(challenge, 'base64url');
      const head = bytes.subarray(0, RANDOM_BYTES + TIME_BYTES);
      const mac = bytes.subarray(head.length);
      const isOurs = macsOf(head, place).some((one) => {
        const expected = Buffer.from(one, 'base64url');
        return expected.length === mac.length && timingSafeEqual(expected, mac);
      });
      return isOurs && head.readUIntBE(RANDOM_BYTES, TIME_BYTES) > now();
    },
    useUp: (challenge: string) => firstUse(`passkey challenge ${challenge}`, VALID / 1000),
  };
}
