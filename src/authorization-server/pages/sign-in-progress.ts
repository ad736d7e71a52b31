import { z } from 'zod';
import type { Method, Person, PersonStore } from '../accounts/person.ts';
import { METHODS } from '../accounts/person.ts';
import type { Progress, SignInPlace } from './sign-in-ways.ts';

/** AES-GCM under a key of this server: what was sealed here opens here, and nothing else does. */
export interface ProgressSeal {
  seal(text: string): string;
  open(sealed: string): string | undefined;
}

/** Milliseconds that a step may take. */
const VALID = 15 * 60 * 1000;

const Kept = z.object({
  /** Of the place: it is worth nothing at another one. */
  binding: z.string(),
  accountId: z.string(),
  passwordStamp: z.string(),
  amr: z.array(z.string()),
  methods: z.array(z.enum(METHODS)),
  authTime: z.number().optional(),
  details: z.record(z.string(), z.string()).optional(),
  until: z.number(),
});

type Kept = z.infer<typeof Kept>;

export interface KeptProgress {
  write(place: Pick<SignInPlace, 'binding'>, progress: Progress): string;
  /** Read anew who it is. `undefined` when it is not of this place, too old, or the account has another password since. */
  read(place: Pick<SignInPlace, 'binding'>, sealed: string | undefined): Promise<Progress | undefined>;
}

/**
 * What was proven in an earlier step of a sign-in travels in the forms of the next one: any node can read it, nothing is kept
 * for whoever does not go on, and a browser without scripts brings it along.
 */
export function keepProgress(deps: {
  readonly seal: ProgressSeal;
  readonly findPerson: PersonStore['findPerson'];
  readonly now?: (() => number) | undefined;
}): KeptProgress {
  const { seal, findPerson, now = Date.now } = deps;
  return {
    write({ binding }, { person, amr, methods, authTime, details }) {
      const kept: Kept = {
        binding,
        accountId: person.account.accountId,
        passwordStamp: person.passwordStamp,
        amr: [...amr],
        methods: [...methods],
        authTime,
        details,
        until: now() + VALID,
      };
      return seal.seal(JSON.stringify(kept));
    },

    async read({ binding }, sealed) {
      const text = sealed === undefined ? undefined : seal.open(sealed);
      const kept = text === undefined ? undefined : Kept.parse(JSON.parse(text));
      if (kept === undefined || kept.binding !== binding || kept.until <= now()) {
        return undefined;
      }
      const person: Person | undefined = await findPerson(kept.accountId);
      const isStill = person !== undefined && !person.account.disabled && person.passwordStamp === kept.passwordStamp;
      const { amr, authTime, details } = kept;
      const methods: readonly Method[] = kept.methods;
      return isStill ? { person, amr, methods, authTime, details } : undefined;
    },
  };
}
