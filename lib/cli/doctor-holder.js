'use strict';

// A process that takes the lock of a folder and keeps it until it is killed. Started by doctor.

const { createEventStore } = require('../../index.js');

const store = createEventStore(process.argv[2]);

store.acquireLock().then(() => {
  process.stdout.write('held\n');
  // Our starter is gone. The store is named here, since one that nobody can reach gives its lock back.
  process.stdin.on('end', () => process.exit(store ? 0 : 1)).resume();
});
