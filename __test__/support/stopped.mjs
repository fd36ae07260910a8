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
