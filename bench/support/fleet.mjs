// Ledgers in a server, made by the executable.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const TOOL = fileURLToPath(new URL('../../guidance-ledger', import.meta.url));

/** @param {string} url @param {string[]} ledgers */
export function initFleet(url, ...ledgers) {
  for (const ledger of ledgers) {
    const folder = mkdtempSync(join(tmpdir(), 'guidance-ledger-bench-'));
    execFileSync(TOOL, ['fleet', 'init', '--dir', folder, '--url', url, '--ledger', ledger], {
      stdio: 'ignore',
    });
    rmSync(folder, { recursive: true });
  }
}
