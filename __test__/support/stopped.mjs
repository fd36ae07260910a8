/** A process that was stopped (SIGSTOP) in the middle of an append, with the folder in its hands. */
import { until } from './disk.mjs';
import { Faults } from './fault.mjs';
import { folder } from './folder.mjs';
import { start } from './processes.mjs';

/** Its one event has the id `stopped-0`. */
export async function stoppedWriter(store) {
  const faults = new Faults(folder());
  faults.set('write */events.ndjson 1+ stop');
  const program = start(
    'writer',
    { folder: store, name: 'stopped', how: 'append', count: 1 },
    { env: faults.env },
  );
  await until(() => faults.calls().some((call) => call.startsWith('write ')), 'the writer to stop', 20_000);
  return {
    program,
    /** Lets it finish and waits for its end. */
    async goOn() {
      faults.clear();
      program.kill('SIGCONT');
      await program.done();
    },
  };
}

/** A process that takes the folder at once when `stop()` says so, in the middle of writing. Before that it writes `first`. */
export async function writerToStop(store) {
  const faults = new Faults(folder());
  const options = { folder: store, how: 'finalizeEvent', count: 1, end: 'exit', waits: true };
  const program = start('quick', options, { env: faults.env });
  await program.said(1);
  faults.forgetCalls();
  faults.set('write */events.ndjson 1+ stop');
  return {
    async stop() {
      program.child.stdin.end('go\n');
      await until(
        () => faults.calls().some((call) => call.startsWith('write ')),
        'the writer to stop',
        20_000,
      );
    },
    async goOn() {
      faults.clear();
      program.kill('SIGCONT');
      await program.done();
    },
  };
}
