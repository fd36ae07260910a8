/** A folder of its own for each test, removed when the test is over. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';

/** An existing, empty folder. */
export function folder() {
  const path = mkdtempSync(join(tmpdir(), 'guidance-ledger-'));
  onTestFinished(() => rmSync(path, { recursive: true, force: true, maxRetries: 10, retryDelay: 20 }));
  return path;
}

/** A path for a storage folder that does not exist yet. */
export const fresh = () => join(folder(), 'nested', 'store');
