import { spawn } from 'node:child_process';
import { chown, mkdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import pg from 'pg';
import type { Database } from '../servers/database.ts';

/** A file system of a few megabytes with all tables of the database on it; the log of the transactions stays outside. */
export interface SmallDisk {
  /** Takes up what is left. */
  fill(): Promise<void>;
  /** Gives it back. */
  free(): Promise<void>;
}

const SIZE = '24m';

/**
 * Mounted in name spaces of its own, which an ordinary user may make as well: others see it below `/proc/<pid>/root`,
 * and it is gone when the shell is, which ends with us.
 */
const SCRIPT = `
  mount -t tmpfs -o size=${SIZE},mode=0700 tmpfs "$0" && echo mounted || exit 1
  while read -r what; do
    case $what in
      fill) dd if=/dev/zero of="$0/filler" bs=64k 2>/dev/null; dd if=/dev/zero of="$0/crumbs" bs=1k 2>/dev/null ;;
      free) rm -f "$0/filler" "$0/crumbs" ;;
    esac
    echo done
  done`;

/** Before anybody uses the database. Says why not where the machine does not permit it. */
export async function moveToSmallDisk({ directory, urls }: Database): Promise<SmallDisk | string> {
  const place = join(directory, 'small-disk');
  const { uid, gid } = await stat(join(directory, 'postgres')); // As root the database runs as somebody else.
  await mkdir(place, { mode: 0o700 });
  await chown(place, uid, gid);
  const shell = spawn('unshare', ['--user', '--map-root-user', '--mount', '/bin/sh', '-c', SCRIPT, place], {
    ...(process.getuid?.() === 0 ? { uid, gid } : {}),
    cwd: '/',
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  const lines = createInterface(shell.stdout)[Symbol.asyncIterator]();
  const ended = new Promise<string>((resolve) => {
    shell.on('error', ({ message }) => resolve(message));
    createInterface(shell.stderr).once('line', resolve);
    shell.on('close', (code) => resolve(`exit code ${code}`));
  });
  const mounted = lines.next().then(({ done }) => (done ? ended : undefined));
  const problem = await Promise.race([ended, mounted]);
  if (problem !== undefined) {
    return `no file system can be made here: ${problem}`;
  }
  await moveTables(urls.DATABASE_URL, `/proc/${shell.pid}/root${place}`);
  const tell = async (what: string) => {
    shell.stdin.write(`${what}\n`);
    await lines.next();
  };
  return { fill: () => tell('fill'), free: () => tell('free') };
}

async function moveTables(databaseUrl: string, place: string): Promise<void> {
  const url = new URL(databaseUrl);
  const name = pg.escapeIdentifier(url.pathname.slice(1));
  url.pathname = '/postgres'; // Nobody may be in a database that moves.
  const client = new pg.Client(url.href);
  await client.connect();
  await client.query(`create tablespace small_disk location ${pg.escapeLiteral(place)}`);
  await client.query(`alter database ${name} set tablespace small_disk`);
  await client.end();
}
