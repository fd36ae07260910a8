/**
 * A store for a ledger in pure JavaScript: its log is a text in memory. It shows that a ledger needs nothing of a
 * store but the interface `LedgerStore`.
 */
export class MemoryStore {
  /** The lines of the log. */
  text = '';
  /** Lines that wait, as long as the store is held up. */
  waiting = '';
  /** What writing fails with, if it does. */
  fault = null;
  /** What was called, in order. */
  calls = [];
  locked = false;

  get events() {
    return this.text
      .split('\n')
      .filter(Boolean)
      .map((line) => JSON.parse(line));
  }

  get queued() {
    return this.waiting !== '';
  }

  #accept(lines) {
    if (this.fault?.code === 'EBACKLOG') throw this.fault;
    this.waiting += lines;
    if (this.fault === null) this.#write();
    return !this.queued;
  }

  #write() {
    this.text += this.waiting;
    this.waiting = '';
  }

  log(line) {
    return this.#accept(`${line}\n`);
  }

  logBatch(lines) {
    return this.#accept(lines.text);
  }

  flush() {
    this.calls.push('flush');
    if (!this.queued) return null;
    return (async () => {
      await null;
      if (this.fault !== null) throw this.fault;
      this.#write();
    })();
  }

  finish() {
    this.calls.push('finish');
    return this.flush();
  }

  async seal() {
    this.calls.push('seal');
    return this.text;
  }

  async save(events) {
    this.calls.push('save');
    this.text = events.applyTo(this.text);
  }

  async compact(maxEvents) {
    this.calls.push('compact');
    const before = this.events;
    const kept = before.toSorted((a, b) => a.timestamp - b.timestamp).slice(-maxEvents);
    this.text = kept.map((event) => `${JSON.stringify(event)}\n`).join('');
    return before.length - kept.length;
  }

  async getStats() {
    const times = this.events.map(({ timestamp }) => timestamp);
    return {
      eventCount: times.length,
      storageSizeBytes: this.text.length,
      oldestEvent: times.length > 0 ? Math.min(...times) : null,
      newestEvent: times.length > 0 ? Math.max(...times) : null,
    };
  }

  async acquireLock() {
    this.calls.push('acquireLock');
    if (this.locked) throw Object.assign(new Error('locked'), { code: 'ELOCKED' });
    this.locked = true;
  }

  async releaseLock() {
    this.calls.push('releaseLock');
    this.locked = false;
  }

  async close() {
    this.calls.push('close');
  }
}
