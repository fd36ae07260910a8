'use strict';

/** What the tool's exit codes mean. */
const EXIT = {
  /** All is done; a check found nothing. */
  done: 0,
  /** A check found something, input was refused, or the user said no. */
  findings: 1,
  /** The call is wrong. */
  usage: 2,
  /** Another process holds the lock. */
  locked: 3,
  /** The disk or the system refused. */
  failed: 4,
};

module.exports = { EXIT };
