// Clocks and scales.

const { now } = performance;

/** Milliseconds that `act` takes. */
export async function timed(act) {
  const start = now.call(performance);
  await act();
  return now.call(performance) - start;
}

/**
 * Milliseconds that `act` takes, and the longest stretch in which the event loop got no turn: how late a timer
 * of 1 ms came, at worst.
 */
export async function timedAndHeld(act) {
  let last = performance.now();
  let held = 0;
  const look = () => {
    const time = performance.now();
    held = Math.max(held, time - last - 1);
    last = time;
  };
  const timer = setInterval(look, 1);
  await new Promise((resolve) => setTimeout(resolve, 20));
  look();
  held = 0;
  const start = performance.now();
  await act();
  const ms = performance.now() - start;
  await new Promise((resolve) => setTimeout(resolve, 5));
  clearInterval(timer);
  return { ms, held };
}

/** Median of the milliseconds that each of many calls takes; `act` is given the call's number. */
export async function timedEach(count, act) {
  const times = [];
  for (let number = 0; number < count; number++) {
    const start = performance.now();
    const answer = act(number);
    if (answer instanceof Promise) await answer;
    times.push(performance.now() - start);
  }
  return times.sort((a, b) => a - b)[count >> 1];
}

/** Bytes that this process has in memory after a garbage collection. */
export async function residentBytes() {
  for (let i = 0; i < 4; i++) {
    globalThis.gc();
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return process.memoryUsage().rss;
}
