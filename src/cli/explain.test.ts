import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const MAIN = join(import.meta.dirname, '../main.ts');
const ENV = { DATABASE_URL: 'postgres://nobody@127.0.0.1:1/nothing', CONCIERGE_SECRET: 'x'.repeat(40) };

function concierge(...argv: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [MAIN, ...argv], { env: ENV }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr }),
    );
  });
}

it('lists the subcommands to who asks for help, and to who names none that there is', async () => {
  const help = await concierge('help');
  expect(help).toMatchObject({ code: 0, stderr: '' });
  expect(help.stdout).toMatch(/serve +the authorization server/);
  expect(await concierge('toString')).toMatchObject({ code: 2, stdout: '', stderr: help.stdout });
});

it('says what a subcommand takes, without running it', async () => {
  const help = await concierge('migrate', '--help');
  expect(help).toEqual({
    code: 0,
    stdout: 'concierge migrate: bring the database up to date: [--config FILE]\n',
    stderr: '',
  });
});

it('says which option it does not know, without a stack', async () => {
  const { code, stderr } = await concierge('serve', '--nonsense');
  expect(code).toBe(1);
  expect(stderr).toContain("Unknown option '--nonsense'");
  expect(stderr).not.toContain('    at ');
});

it.each(['serve', 'migrate'])('says that PostgreSQL cannot be reached: %s', async (subcommand) => {
  const { code, stderr } = await concierge(subcommand);
  expect(code).toBe(1);
  expect(stderr).toMatch(/^PostgreSQL cannot be used: .*127\.0\.0\.1:1/);
  expect(stderr).not.toContain('    at ');
});
