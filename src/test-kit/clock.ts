import type { Pool } from 'pg';
import { ControlError } from './control/control-error.ts';
import { moveDatabase } from './database-clock.ts';
import { installProcessClock } from './process-clock.ts';
import type { ClockChange } from './protocol.ts';

/** What is kept by the time of its expiry has a place until then: authorization-server/storage/token-slot.ts. */
const LATEST = Date.UTC(2050, 0, 1);

/** One time for the process and its database. */
export interface Clock {
  now(): Date;
  /** Forward only: what happened has happened. */
  change(pool: Pick<Pool, 'query'>, change: ClockChange): Promise<void>;
  /** Back to the time of the machine, whatever was made meanwhile. */
  reset(pool: Pick<Pool, 'query'>): Promise<void>;
}

export function createClock(): Clock {
  const ofProcess = installProcessClock();
  const move = async (pool: Pick<Pool, 'query'>, ahead: number) => {
    await moveDatabase(pool, ahead);
    ofProcess.moveTo(ahead);
  };
  return {
    now: () => new Date(),
    async change(pool, change) {
      const now = Date.now();
      const target = 'advance' in change ? now + change.advance * 1000 : Date.parse(change.set);
      if (target < now) {
        throw new ControlError(
          400,
          'Time goes forward only: what was issued would come from the future. DELETE /clock goes back to the present, and POST /reset to the beginning.',
        );
      }
      if (target > LATEST) {
        throw new ControlError(400, `Time goes until ${new Date(LATEST).toISOString()}.`);
      }
      await move(pool, Math.round(ofProcess.ahead + target - now));
    },
    reset: (pool) => move(pool, 0),
  };
}
