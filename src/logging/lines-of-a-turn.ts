import type { DestinationStream } from 'pino';

/**
 * One write for all the lines of a turn of the event loop: a write costs more than a line does, and a busy server has
 * many lines a turn. Nothing waits longer than the turn, and a process that ends in the middle of one, in good order or
 * by an exception, still writes what it has.
 */
export function linesOfATurn(output: DestinationStream): DestinationStream {
  let lines = '';
  function flush(): void {
    process.off('exit', flush);
    const all = lines;
    lines = '';
    output.write(all);
  }
  return {
    write(line) {
      if (lines === '') {
        setImmediate(flush);
        process.on('exit', flush);
      }
      lines += line;
    },
  };
}
