import { closeSync, fdatasyncSync, openSync, rmSync, writeSync } from 'node:fs';
import { availableParallelism, cpus, release, totalmem, type } from 'node:os';
import { join } from 'node:path';
import type pg from 'pg';
import { median } from './median.ts';

/** Rates mean nothing without it. */
export interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly system: string;
  readonly node: string;
  readonly postgres: string;
  readonly sharedBuffers: string;
  readonly synchronousCommit: string;
  /** Median of one write of 8 KiB and `fdatasync`. */
  readonly fdatasyncUs: number;
}

export async function describeMachine(admin: pg.Client, directory: string): Promise<Machine> {
  const { rows } = await admin.query(
    `select current_setting('server_version') as version, current_setting('shared_buffers') as buffers,
      current_setting('fsync') || '/' || current_setting('synchronous_commit') as commits`,
  );
  return {
    processor: cpus()[0]?.model ?? 'unknown',
    cores: availableParallelism(),
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    system: `${type()} ${release()}`,
    node: process.version,
    postgres: rows[0].version,
    sharedBuffers: rows[0].buffers,
    synchronousCommit: rows[0].commits,
    fdatasyncUs: measureFdatasync(directory),
  };
}

const WRITES = 101;

function measureFdatasync(directory: string): number {
  const path = join(directory, 'fdatasync');
  const file = openSync(path, 'w');
  const block = Buffer.alloc(8192, 1);
  const microseconds: number[] = [];
  for (let write = 0; write < WRITES; write += 1) {
    const startedAt = performance.now();
    writeSync(file, block, 0, block.length, 0);
    fdatasyncSync(file);
    microseconds.push((performance.now() - startedAt) * 1000);
  }
  closeSync(file);
  rmSync(path);
  return Math.round(median(microseconds));
}
