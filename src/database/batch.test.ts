import { describe, expect, it } from 'vitest';
import { createBatch } from './batch.ts';

/** A database that answers when it is told to, and keeps what each statement was about. */
function createDatabase() {
  const statements: { readonly inputs: readonly string[]; answer(): void; fail(error: Error): void }[] = [];
  const run = (inputs: readonly string[]) =>
    new Promise<readonly string[]>((resolve, reject) => {
      statements.push({ inputs, answer: () => resolve(inputs.map((one) => `${one}!`)), fail: reject });
    });
  return { run, statements };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));
const UNAVAILABLE = new Error('away');
const REFUSAL = new Error('too many');

function createSubject(options: {
  run?: (inputs: readonly string[]) => Promise<readonly string[]>;
  now?: () => number;
}) {
  const database = createDatabase();
  const batch = createBatch<string, string>({
    run: database.run,
    isUnavailable: (error) => error === UNAVAILABLE,
    refusal: () => REFUSAL,
    ...options,
  });
  return { batch, statements: database.statements };
}

const outcomes = async (asked: readonly Promise<string>[]) =>
  (await Promise.allSettled(asked)).map((one) => (one.status === 'fulfilled' ? one.value : one.reason.message));

describe('a batch', () => {
  it('is one statement for everything that is asked for in one turn, answered in that order', async () => {
    const { batch, statements } = createSubject({});
    const asked = ['a', 'b', 'c'].map(batch);
    await turn();
    expect(statements.map(({ inputs }) => inputs)).toEqual([['a', 'b', 'c']]);
    statements[0]?.answer();
    expect(await outcomes(asked)).toEqual(['a!', 'b!', 'c!']);
  });

  it('answers nobody before the database has answered', async () => {
    const { batch, statements } = createSubject({});
    let answered = false;
    const asked = batch('a').then(() => {
      answered = true;
    });
    await turn();
    await turn();
    expect(answered).toBe(false);
    statements[0]?.answer();
    await asked;
    expect(answered).toBe(true);
  });

  it('grows while two are under way, and has at most 128 rows', async () => {
    const { batch, statements } = createSubject({});
    const asked = [batch('first')];
    await turn();
    asked.push(batch('second'));
    await turn();
    asked.push(...Array.from({ length: 200 }, (_, n) => batch(`late ${n}`)));
    await turn();
    expect(statements.map(({ inputs }) => inputs.length)).toEqual([1, 1]);
    statements[0]?.answer();
    await turn();
    await turn();
    expect(statements.map(({ inputs }) => inputs.length)).toEqual([1, 1, 128]);
    statements[1]?.answer();
    await turn();
    await turn();
    expect(statements.map(({ inputs }) => inputs.length)).toEqual([1, 1, 128, 72]);
    statements[2]?.answer();
    statements[3]?.answer();
    expect(await outcomes(asked)).toHaveLength(202);
  });

  it('lets a bad row fail alone', async () => {
    const run = async (inputs: readonly string[]) => {
      if (inputs.includes('bad')) {
        throw new Error('a bad row');
      }
      return inputs.map((one) => `${one}!`);
    };
    const { batch } = createSubject({ run });
    expect(await outcomes(['a', 'bad', 'c'].map(batch))).toEqual(['a!', 'a bad row', 'c!']);
  });

  it('does not make anyone wait for a second statement who has waited long for the first', async () => {
    let now = 0;
    const run = async (inputs: readonly string[]) => {
      now += 2_000;
      if (inputs.length > 1) {
        throw new Error('somebody holds a row');
      }
      return inputs;
    };
    const { batch } = createSubject({ run, now: () => now });
    expect(await outcomes(['a', 'b'].map(batch))).toEqual(['somebody holds a row', 'somebody holds a row']);
  });

  it('does not ask a database again that is away', async () => {
    const { batch, statements } = createSubject({});
    const asked = ['a', 'b'].map(batch);
    await turn();
    statements[0]?.fail(UNAVAILABLE);
    expect(await outcomes(asked)).toEqual(['away', 'away']);
    expect(statements).toHaveLength(1);
  });

  it('refuses nobody because the process was held up while the database had nothing to do', async () => {
    let now = 0;
    const { batch, statements } = createSubject({ now: () => now });
    const asked = batch('a');
    now = 2_000;
    await turn();
    statements[0]?.answer();
    expect(await outcomes([asked])).toEqual(['a!']);
  });

  it('refuses what waits too long for its turn, and goes on with the rest', async () => {
    let now = 0;
    const { batch, statements } = createSubject({ now: () => now });
    const asked = [batch('a')];
    await turn();
    asked.push(batch('b'));
    await turn();
    asked.push(batch('early'));
    now = 400;
    asked.push(batch('late'));
    const heard = outcomes(asked);
    now = 600;
    statements[0]?.answer();
    await turn();
    await turn();
    statements[1]?.answer();
    statements[2]?.answer();
    expect(await heard).toEqual(['a!', 'b!', 'too many', 'late!']);
  });

  it('refuses at once what would wait behind thousands', async () => {
    const { batch, statements } = createSubject({});
    const asked = Array.from({ length: 5000 }, (_, n) => batch(String(n)));
    const refused = asked.slice(4096);
    expect(new Set(await outcomes(refused))).toEqual(new Set(['too many']));
    const served = outcomes(asked.slice(0, 4096));
    for (let answered = 0; answered < 32; answered += 1) {
      await turn();
      await turn();
      statements[answered]?.answer();
    }
    expect(new Set((await served).map((one) => one.at(-1)))).toEqual(new Set(['!']));
  });
});
