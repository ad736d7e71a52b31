import cluster from 'node:cluster';

/** SIGTERM and Ctrl-C end the process once `stop` has; a second signal ends it at once. */
export function stopOnSignal(stop: () => Promise<void>): void {
  let stopping = false;
  const onSignal = () => {
    if (stopping) {
      endAtOnce();
      return;
    }
    stopping = true;
    stop().then(
      () => process.exit(0),
      (error: unknown) => {
        console.error(error);
        process.exit(1);
      },
    );
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
}

/** Of workers the primary: Ctrl-C reaches all of them, and each worker once more through it. They go when it has gone. */
function endAtOnce(): void {
  if (cluster.isPrimary) {
    process.exit(1);
  }
}
