/** The time of this process as far as anybody asks for the date: timers and `performance.now()` stay with the machine. */
export interface ProcessClock {
  /** Milliseconds that the process is ahead of the machine. */
  readonly ahead: number;
  moveTo(ahead: number): void;
}

/**
 * Puts a Date in the place of the global one that can be moved. Ours, the engine and its libraries ask the global one each
 * time; what has kept `Date.now` for itself must have been loaded after this.
 */
export function installProcessClock(): ProcessClock {
  const Machine = globalThis.Date;
  let ahead = 0;
  const now = () => Machine.now() + ahead;
  globalThis.Date = new Proxy(Machine, {
    construct: (target, args, newTarget) => Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget),
    apply: () => new Machine(now()).toString(),
    get: (target, property, receiver) => (property === 'now' ? now : Reflect.get(target, property, receiver)),
  });
  return {
    get ahead() {
      return ahead;
    },
    moveTo(to) {
      ahead = to;
    },
  };
}
