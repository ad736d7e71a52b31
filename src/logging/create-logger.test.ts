import { spawnSync } from 'node:child_process';
import { existsSync, openSync } from 'node:fs';
import { expect, it } from 'vitest';
import { createLogger } from './create-logger.ts';

function logged(err: unknown): Record<string, unknown> {
  const lines: string[] = [];
  createLogger('info', { write: (line: string) => lines.push(line) }).error({ err }, 'failed');
  return JSON.parse(lines[0] ?? '').err;
}

it('C92: tells of an error what, where and why, and nothing that it carries along', () => {
  const cause = new Error('the socket closed');
  const error = Object.assign(new TypeError('cannot parse', { cause }), {
    code: 'HPE_INVALID',
    rawPacket: Buffer.from('Authorization: Basic c2VjcmV0'),
    detail: 'Key (email)=(alice@example.com) already exists.',
  });
  const entry = logged(error);
  expect(Object.keys(entry).sort()).toEqual(['code', 'message', 'stack', 'type']);
  expect(entry).toMatchObject({ type: 'TypeError', code: 'HPE_INVALID' });
  expect(entry.message).toBe('cannot parse: the socket closed');
  expect(entry.stack).toContain('create-logger.test.ts');
});

it('passes on what is no error', () => {
  expect(logged('a string was thrown')).toBe('a string was thrown');
});

it.skipIf(!existsSync('/dev/full'))('does without a log while its disk is full', () => {
  const program = `import { createLogger } from '${new URL('create-logger.ts', import.meta.url)}';
    const logger = createLogger('info');
    logger.info('no room for this');
    setImmediate(() => logger.info('nor for this'));
    setImmediate(() => setImmediate(() => console.error('still here')));`;
  const { status, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', program], {
    stdio: ['ignore', openSync('/dev/full', 'w'), 'pipe'],
    encoding: 'utf8',
  });
  expect({ status, stderr }).toEqual({ status: 0, stderr: 'still here\n' });
});
