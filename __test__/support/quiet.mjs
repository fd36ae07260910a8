/**
 * The original writes in the background and does not say when it is done. `watch` makes a ledger's background appends countable,
 * without changing what they do; `quiet` waits for them. Ours has `flush()`.
 */
const watched = new WeakMap();

export function watch(ledger) {
  if (typeof ledger.flush === 'function') return ledger;
  const store = ledger.getEventStore();
  const running = new Set();
  const append = store.append;
  store.append = (event) => {
    const done = append.call(store, event);
    const settled = done.then(
      () => {},
      () => {},
    );
    running.add(settled);
    settled.then(() => running.delete(settled));
    return done;
  };
  watched.set(ledger, running);
  return ledger;
}

/** Resolves when everything the ledger accepted so far is in its files. */
export async function quiet(ledger) {
  if (typeof ledger.flush === 'function') return ledger.flush();
  const running = watched.get(ledger);
  if (!running) throw new Error('quiet() needs a ledger that went through watch()');
  do {
    await Promise.all(running);
    // importEvents begins its next append some microtasks after the last one ended.
    await new Promise(setImmediate);
  } while (running.size > 0);
}
