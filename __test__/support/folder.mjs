/** A folder of its own for each test, removed when the test is over. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { onTestFinished } from 'vitest';

/** A program that was not awaited, as the original's background work cannot be, may put files there meanwhile. */
async function remove(path) {
  for (let attempt = 1; ; attempt++) {
    try {
      return rmSync(path, { recursive: true, force: true });
    } catch (error) {
      if (attempt === 100 || !['ENOTEMPTY', 'EBUSY'].includes(error.code)) throw error;
      await setTimeout(50);
    }
  }
}

/** An existing, empty folder. */
export function folder() {
  const path = mkdtempSync(join(tmpdir(), 'guidance-ledger-'));
  onTestFinished(() => remove(path));
  return path;
}

/** A path for a storage folder that does not exist yet. */
export const fresh = () => join(folder(), 'nested', 'store');
