import { execFile } from 'node:child_process';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';
import { linesOfATurn } from './lines-of-a-turn.ts';

it('writes the lines of a turn at its end, at once and in order', async () => {
  const written: string[] = [];
  const output = linesOfATurn({ write: (lines) => written.push(lines) });
  output.write('one\n');
  output.write('two\n');
  expect(written).toEqual([]);
  await nextTurn();
  expect(written).toEqual(['one\ntwo\n']);
  output.write('three\n');
  await nextTurn();
  expect(written).toEqual(['one\ntwo\n', 'three\n']);
});

it('leaves no listener behind', async () => {
  const before = process.listenerCount('exit');
  linesOfATurn({ write: () => undefined }).write('one\n');
  await nextTurn();
  expect(process.listenerCount('exit')).toBe(before);
});

it.each(['process.exit(3)', 'throw new Error("a bug")', 'Promise.reject(new Error("a bug"))'])(
  'loses nothing when the process ends by %s',
  async (end) => {
    const program = `import { createLogger } from '${new URL('create-logger.ts', import.meta.url)}';
      createLogger('info').info('the last words'); ${end};`;
    const ended = promisify(execFile)(process.execPath, ['--input-type=module', '--eval', program]);
    await expect(ended).rejects.toMatchObject({ stdout: expect.stringContaining('the last words') });
  },
);
