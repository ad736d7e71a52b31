import { spawnSync } from 'node:child_process';
import { createHash, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import {
  chmod,
  chown,
  cp,
  lstat,
  mkdir,
  readdir,
  readFile,
  readlink,
  realpath,
  rename,
  rm,
  stat,
  symlink,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { type Binaries, installedBinaries } from './binaries.ts';

export interface OsUser {
  uid: number;
  gid: number;
}

/** Where the server's files are, and as whom it runs. */
export interface Placement {
  home: string;
  binaries: string;
  /** Only when this process is root, as which PostgreSQL refuses to run. */
  user?: OsUser;
  /** What a person has to know about the place, when it is not the one they would expect. */
  notice?: string;
}

/** Both root and an unprivileged user can reach these, unless the machine is unusual. */
const SHARED_DIRECTORIES = ['/var/lib/concierge', join(tmpdir(), 'concierge-root')];

/**
 * PostgreSQL runs where it was asked to, from the installed binaries. The exception is root with a checkout that the
 * unprivileged user cannot enter (a clone in /root): then binaries and data live where that user can, and a link in
 * the asked place leads there. Who removes the link, or clones afresh, starts afresh.
 */
export async function choosePlacement(directory: string): Promise<Placement> {
  const binaries = await installedBinaries();
  const asked = await canonicalPath(directory);
  const linked = await followLink(asked);
  if (process.getuid?.() !== 0) {
    return { home: linked, binaries: binaries.directory };
  }
  const user = (await ownerOf(linked)) ?? (await unprivilegedUser());
  const home = canEnter(user, dirname(linked)) ? linked : await linkElsewhere(asked, await sharedDirectory(user));
  const usable = canEnter(user, join(binaries.directory, 'bin'));
  return {
    home,
    binaries: usable ? binaries.directory : await copyBinaries(binaries, await sharedDirectory(user)),
    user,
    ...(isShared(home) ? { notice: noticeOf(user, asked, home) } : {}),
  };
}

function noticeOf(user: OsUser, asked: string, home: string): string {
  return `PostgreSQL does not run as root, and the user with id ${user.uid} cannot enter ${dirname(asked)}: its data is in ${home}.`;
}

export async function giveTo(user: OsUser | undefined, ...paths: string[]): Promise<void> {
  if (user) {
    await Promise.all(paths.map((path) => chown(path, user.uid, user.gid)));
  }
}

async function canonicalPath(directory: string): Promise<string> {
  const path = resolve(directory);
  await mkdir(dirname(path), { recursive: true });
  return join(await realpath(dirname(path)), basename(path));
}

async function followLink(asked: string): Promise<string> {
  const target = await readlink(asked).catch(() => undefined);
  if (target === undefined) {
    return asked;
  }
  const place = resolve(dirname(asked), target);
  if (isShared(place) && !basename(place).startsWith(markOf(asked))) {
    await rm(asked, { force: true }); // It came with a copy of another checkout, whose server it names.
    return asked;
  }
  return place;
}

async function linkElsewhere(asked: string, shared: string): Promise<string> {
  const target = join(shared, `${markOf(asked)}-${randomBytes(4).toString('hex')}`);
  try {
    await symlink(target, asked);
    return target;
  } catch (error) {
    // Another process was faster; or there is a directory, which only its owner could tell us more about.
    return await readlink(asked).catch(() => {
      throw error;
    });
  }
}

function isShared(place: string): boolean {
  return SHARED_DIRECTORIES.includes(dirname(place));
}

function markOf(asked: string): string {
  return createHash('sha256').update(asked).digest('hex').slice(0, 16);
}

async function ownerOf(home: string): Promise<OsUser | undefined> {
  const found = await stat(join(home, 'cluster')).catch(() => undefined);
  return found && found.uid !== 0 ? { uid: found.uid, gid: found.gid } : undefined;
}

async function unprivilegedUser(): Promise<OsUser> {
  const lines = (await readFile('/etc/passwd', 'utf8').catch(() => '')).split('\n').map((line) => line.split(':'));
  const entry = lines.find(([name]) => name === 'postgres') ?? lines.find(([name]) => name === 'nobody');
  if (!entry) {
    throw new Error(
      'PostgreSQL does not run as root, and there is neither a user "postgres" nor "nobody" to run it as. ' +
        'Add one, run Concierge as an ordinary user, or set DATABASE_URL.',
    );
  }
  return { uid: Number(entry[2]), gid: Number(entry[3]) };
}

/** Asks the kernel, as that user: modes, access lists and mount options are all in its answer. */
function canEnter(user: OsUser, directory: string): boolean {
  return spawnSync('/bin/sh', ['-c', 'test -x "$0"', directory], { ...user, cwd: '/', env: {} }).status === 0;
}

async function sharedDirectory(user: OsUser): Promise<string> {
  for (const directory of SHARED_DIRECTORIES) {
    if ((await makeOwnDirectory(directory)) && canEnter(user, directory)) {
      return directory;
    }
  }
  throw new Error(
    'PostgreSQL does not run as root, and there is no place both root and an unprivileged user can reach. ' +
      'Move the checkout out of the private directory, run Concierge as an ordinary user, or set DATABASE_URL.',
  );
}

/** False also for a directory that somebody else made: programs are run from here. */
async function makeOwnDirectory(directory: string): Promise<boolean> {
  try {
    await mkdir(directory, { recursive: true });
    const found = await lstat(directory);
    if (!found.isDirectory() || found.uid !== 0) {
      return false;
    }
    await chmod(directory, 0o755);
    return true;
  } catch {
    return false;
  }
}

/** Checkouts share a copy: its name is the release, and the rename shows it only once it is whole. */
async function copyBinaries({ directory, release }: Binaries, shared: string): Promise<string> {
  const target = join(shared, `postgresql-${release}`);
  if (!existsSync(target)) {
    const draft = `${target}.new-${process.pid}`;
    await rm(draft, { recursive: true, force: true });
    await cp(directory, draft, { recursive: true, verbatimSymlinks: true });
    await makeReadable(draft);
    await rename(draft, target).catch(async (error: unknown) => {
      await rm(draft, { recursive: true, force: true });
      if (!existsSync(target)) {
        throw error;
      }
    });
  }
  return target;
}

/** A strict umask during the install leaves files that only root can read. */
async function makeReadable(directory: string): Promise<void> {
  await chmod(directory, 0o755);
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    if (!entry.isSymbolicLink()) {
      await chmod(join(entry.parentPath, entry.name), 0o755);
    }
  }
}
