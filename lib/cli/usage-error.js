'use strict';

/** A call that cannot be meant: told with the nearest right one, and the tool ends with code 2. */
class UsageError extends Error {
  /**
   * @param {string} message what is wrong
   * @param {string} [hint] a call that works
   */
  constructor(message, hint) {
    super(message);
    this.name = 'UsageError';
    this.hint = hint;
  }
}

module.exports = { UsageError };
