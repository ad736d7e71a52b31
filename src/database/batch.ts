/**
 * Statements that arrive together leave together.
 *
 * Whatever is asked for in one turn of the event loop, and while earlier batches are under way, becomes one statement
 * over many rows: one row when the server is idle, so that nobody waits for company, and more the busier it is. Who asked
 * is answered when the database has answered: acknowledged means committed. What the database cannot keep up with is
 * refused, not queued without end.
 */
export interface BatchOptions<Input, Output> {
  /** One statement for all of them; the outputs stand in the order of the inputs. Takes effect as a whole or not at all. */
  readonly run: (inputs: readonly Input[]) => Promise<readonly Output[]>;
  /** Did the database fail, and not one of the rows? Then asking again row by row would only make it worse. */
  readonly isUnavailable: (error: unknown) => boolean;
  /** What who asks is told while too many wait already. */
  readonly refusal: () => Error;
  /** Milliseconds, from any start. */
  readonly now?: () => number;
}

export type Batch<Input, Output> = (input: Input) => Promise<Output>;

/** More of them in flight gain nothing: the next batch grows meanwhile, which is what makes it cheap. */
const MOST_IN_FLIGHT = 2;
/** A statement gets no cheaper per row beyond. */
const LARGEST = 128;
/** Some tenths of a second of work for the database. */
const MOST_WAITING = 4096;
/** Milliseconds. Who has waited longer when the turn comes is refused: the database is not keeping up, or not answering. */
const LONGEST_WAIT = 500;
/** Milliseconds. Who has waited so long already is not made to wait for a second statement. */
const LONGEST_BEFORE_RETRY = 1_500;

interface Waiting<Input, Output> {
  readonly input: Input;
  readonly since: number;
  readonly resolve: (output: Output) => void;
  readonly reject: (error: unknown) => void;
}

export function createBatch<Input, Output>(options: BatchOptions<Input, Output>): Batch<Input, Output> {
  const { run, isUnavailable, refusal, now = () => performance.now() } = options;
  let waiting: Waiting<Input, Output>[] = [];
  let inFlight = 0;
  let scheduled = false;

  function schedule(): void {
    if (!scheduled && waiting.length > 0 && inFlight < MOST_IN_FLIGHT) {
      scheduled = true;
      setImmediate(leave);
    }
  }

  function leave(): void {
    scheduled = false;
    const batch = waiting.slice(0, LARGEST);
    waiting = waiting.slice(LARGEST);
    if (batch.length === 0) {
      return;
    }
    inFlight += 1;
    void settle(batch).finally(() => {
      inFlight -= 1;
      refuseOverdue();
      schedule();
    });
    schedule();
  }

  /** Of those that had to wait for the database: who found it idle, and then a process that was held up, has not. */
  function refuseOverdue(): void {
    const latest = now() - LONGEST_WAIT;
    while (waiting[0] !== undefined && waiting[0].since < latest) {
      waiting.shift()?.reject(refusal());
    }
  }

  async function settle(batch: readonly Waiting<Input, Output>[]): Promise<void> {
    try {
      const outputs = await run(batch.map(({ input }) => input));
      batch.forEach(({ resolve }, index) => {
        resolve(outputs[index] as Output);
      });
    } catch (error) {
      const final = batch.length === 1 || isUnavailable(error);
      const latest = now() - LONGEST_BEFORE_RETRY;
      // One bad row fails alone, and one that somebody else holds is waited for alone.
      await Promise.all(batch.map((one) => (final || one.since < latest ? one.reject(error) : settle([one]))));
    }
  }

  return (input) => {
    if (waiting.length >= MOST_WAITING) {
      return Promise.reject(refusal());
    }
    const { promise, resolve, reject } = Promise.withResolvers<Output>();
    waiting.push({ input, since: now(), resolve, reject });
    schedule();
    return promise;
  };
}
