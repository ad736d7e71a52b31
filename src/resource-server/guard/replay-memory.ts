/** More proofs than one process verifies within the time that they are good for: some 50 MB. */
const MOST_REMEMBERED = 500_000;

/** Says whether this is the first use of something that must be used once only, and remembers it for so many seconds. */
export type IsFirstUse = (id: string, seconds: number) => boolean | Promise<boolean>;

/** In the memory of this process. Forgets what is over, and never anything earlier; throws instead: what is not remembered could be used again. */
export function createReplayMemory(now: () => number, most = MOST_REMEMBERED): IsFirstUse {
  const until = new Map<string, number>();
  return (id, seconds) => {
    const known = until.get(id);
    if (known !== undefined && known > now()) {
      return false;
    }
    // They are remembered for about as long each, so those that are over stand in front.
    for (const [oldest, end] of until) {
      if (end > now()) {
        break;
      }
      until.delete(oldest);
    }
    if (until.size >= most) {
      throw new Error(`${most} proofs are remembered already`);
    }
    until.delete(id);
    until.set(id, now() + seconds * 1000);
    return true;
  };
}
