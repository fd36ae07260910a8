/**
 * Takes and gives back the lock `count` times. While it holds it, a file of its own making says so: if that file is there
 * already and its maker lives, two hold the lock, and the process ends with a word about it.
 */
import { existsSync, readFileSync, unlinkSync, writeFileSync, writeSync } from 'node:fs';
import { createEventStore } from 'guidance-ledger';

const { folder, marker, count, holdMs = 0 } = JSON.parse(process.argv[2]);
const store = createEventStore(folder, { lockTimeoutMs: 30_000 });

/** Whether a process runs; one that was killed and is not buried yet does not. */
function lives(pid) {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    if (existsSync('/proc/self')) return false;
    try {
      return process.kill(pid, 0);
    } catch {
      return false;
    }
  }
}

for (let i = 0; i < count; i++) {
  await store.acquireLock();
  try {
    writeFileSync(marker, String(process.pid), { flag: 'wx' });
  } catch {
    const other = Number(readFileSync(marker, 'utf8'));
    if (lives(other)) throw new Error(`${process.pid} and ${other} both hold the lock`);
    writeFileSync(marker, String(process.pid));
  }
  if (holdMs > 0) await new Promise((resolve) => setTimeout(resolve, holdMs));
  const holder = Number(readFileSync(marker, 'utf8'));
  if (holder !== process.pid) throw new Error(`${holder} came in while ${process.pid} held the lock`);
  unlinkSync(marker);
  await store.releaseLock();
  writeSync(1, `${i}\n`);
}
process.exit(0);
