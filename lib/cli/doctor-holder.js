'use strict';

// A process that takes the lock of a folder and keeps it until it is killed. Started by doctor.

const { createEventStore } = require('../../index.js');

createEventStore(process.argv[2])
  .acquireLock()
  .then(() => {
    process.stdout.write('held\n');
    process.stdin.on('end', () => process.exit()).resume(); // our starter is gone
  });
