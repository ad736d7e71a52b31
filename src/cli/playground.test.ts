import { expect, it } from 'vitest';
import { run } from './playground.ts';

it.each([
  [['--port', 'abc'], 'abc is not a port'],
  [['--issuer', 'nonsense'], '--issuer: is not an http or https URL'],
  [['--issuer', 'http://login.example.com', '--client', 'spa=shop'], '--issuer: is reached without TLS'],
  [['--resource-api', 'nonsense'], '--resource-api: is not an http or https URL'],
  [['--client', 'wbe=shop'], '--client wbe=shop: is not a client'],
])('does not begin with what can only fail later: %j', async (argv, problem) => {
  await expect(run(argv)).rejects.toThrow(problem);
});

it('takes no secret where the name of its variable belongs, and does not repeat it', async () => {
  const running = run(['--client', 'web=shop:canary']);
  await expect(running).rejects.toThrow('write it like web=my-client:MY_CLIENT_SECRET');
  await expect(running).rejects.not.toThrow('canary');
});
