import { spawn } from 'node:child_process';

/**
 * What is left to do when this process is killed before it could clean up: a shell that outlives it hears what it has
 * started, and the end of its input without a goodbye is our death, however it came.
 */
const SCRIPT = `
  pids=' ' places=
  while read -r what name; do
    case $what in
      started) pids="$pids$name " ;;
      ended) pids=$(printf %s "$pids" | sed "s/ $name / /") ;;
      place) places="$places $name" ;;
      goodbye) exit ;;
    esac
  done
  for pid in $pids; do kill -KILL "$pid"; done
  for place in $places; do
    for file in "$place"/cluster/postmaster.pid "$place"/*/cluster/postmaster.pid; do
      [ -f "$file" ] && kill -QUIT "$(head -n 1 "$file")"
    done
  done
  sleep 1
  rm -rf $places
`;

export class LastWill {
  readonly #shell = spawn('/bin/sh', ['-c', SCRIPT], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] });

  constructor() {
    this.#shell.unref();
    this.#shell.stdin.on('error', () => {});
  }

  /** A process to kill. */
  started(pid: number): void {
    this.#shell.stdin.write(`started ${pid}\n`);
  }

  ended(pid: number): void {
    this.#shell.stdin.write(`ended ${pid}\n`);
  }

  /** A directory to remove, after the PostgreSQL that lives in it. */
  place(directory: string): void {
    this.#shell.stdin.write(`place ${directory}\n`);
  }

  /** Everything was cleaned up. */
  fulfilled(): void {
    this.#shell.stdin.end('goodbye\n');
  }
}
