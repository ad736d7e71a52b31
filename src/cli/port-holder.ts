import { readdir, readFile, readlink } from 'node:fs/promises';
import { basename } from 'node:path';

const LONGEST = 80;

/**
 * Who listens on a TCP port of this machine, for a message that can be acted upon: `node server.js (pid 4711)`. Linux only;
 * `undefined` where it cannot be told, which includes other people's processes.
 */
export async function portHolder(port: number): Promise<string | undefined> {
  const inodes = await listeningInodes(port);
  for (const pid of await readdir('/proc').catch(() => [])) {
    if (/^\d+$/.test(pid) && (await holdsSocket(pid, inodes))) {
      const commandLine = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '');
      const [program = '', ...args] = commandLine.split('\0').filter((word) => word !== '');
      return `${[basename(program), ...args].join(' ').slice(0, LONGEST)} (pid ${pid})`;
    }
  }
  return undefined;
}

const LISTENING = '0A';

async function listeningInodes(port: number): Promise<ReadonlySet<string>> {
  const hexPort = port.toString(16).toUpperCase().padStart(4, '0');
  const tables = await Promise.all(
    ['tcp', 'tcp6'].map((name) => readFile(`/proc/net/${name}`, 'utf8').catch(() => '')),
  );
  const sockets = tables.flatMap((table) => table.split('\n').slice(1)).map((line) => line.trim().split(/\s+/));
  const holding = sockets.filter(([, local, , state]) => local?.endsWith(`:${hexPort}`) && state === LISTENING);
  return new Set(holding.flatMap((columns) => (columns[9] === undefined ? [] : [`socket:[${columns[9]}]`])));
}

async function holdsSocket(pid: string, inodes: ReadonlySet<string>): Promise<boolean> {
  const descriptors = await readdir(`/proc/${pid}/fd`).catch(() => []);
  const links = await Promise.all(descriptors.map((one) => readlink(`/proc/${pid}/fd/${one}`).catch(() => '')));
  return links.some((link) => inodes.has(link));
}
