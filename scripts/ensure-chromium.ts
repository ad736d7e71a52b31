// Runs before the browser tests: finds a Chromium or installs one, and says what to do where neither works.
import { spawnSync } from 'node:child_process';
import { findChromium } from './find-chromium.ts';

type Command = [program: string, ...args: string[]];

const PLAYWRIGHT: Command[] = [['npx', 'playwright', 'install', 'chromium']];
const APT: Command[] = [
  ['apt-get', 'update'],
  ['apt-get', 'install', '--yes', '--no-install-recommends', 'chromium'],
];

function succeeds([program, ...args]: Command): boolean {
  console.log(`No Chromium for the browser tests yet: ${[program, ...args].join(' ')}`);
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  return spawnSync(program, args, { stdio: ['ignore', 'inherit', 'inherit'], env }).status === 0;
}

function installChromium(): boolean {
  const ways = process.getuid?.() === 0 ? [PLAYWRIGHT, APT] : [PLAYWRIGHT];
  return ways.some((commands) => commands.every(succeeds) && findChromium() !== undefined);
}

if (findChromium() === undefined && !installChromium()) {
  console.error(
    'The browser tests need a Chromium, and none could be found or installed. Do one of these, then run them again:\n' +
      '  - install the package "chromium" or Google Chrome with the package manager of your system\n' +
      '  - npx playwright install --with-deps chromium\n' +
      '  - set CHROMIUM_PATH to the path of a Chromium',
  );
  process.exitCode = 1;
}
