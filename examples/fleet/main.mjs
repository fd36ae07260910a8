/**
 * One ledger over three machines: `npm run demo:fleet`.
 *
 * Three folders stand for three machines. Each has a shipper, and agents that record into it. In the middle of it the
 * server is killed, and a machine compacts its folder. The exit code is 1 unless each event is in the store, once.
 */

import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { EventStore } from '../../index.mjs';
import { check, failed, heading, say } from '../demo/report.mjs';
import { makeServer, programs } from './server.mjs';

const MACHINES = ['berlin', 'lagos', 'osaka'];
const EVENTS = 400;
const name = process.platform === 'win32' ? 'guidance-ledger.exe' : 'guidance-ledger';
const tool = fileURLToPath(new URL(`../../${name}`, import.meta.url));

if (programs() === null) {
  say('Skipped: this needs a PostgreSQL on this machine (apt-get install postgresql), or PG_BIN.');
} else {
  await demo();
}

async function demo() {
  const workspace = mkdtempSync(join(tmpdir(), 'guidance-ledger-fleet-'));
  const folders = MACHINES.map((machine) => join(workspace, machine));
  const call = (folder, ...args) =>
    execFileSync(tool, ['fleet', ...args, '--dir', folder], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });

  heading('1. Three machines, and a PostgreSQL');
  const server = await makeServer();
  const shippers = folders.map((folder, number) => {
    mkdirSync(folder);
    call(folder, 'init', '--url', server.url, '--label', MACHINES[number]);
    return spawn(tool, ['fleet', 'ship', '--dir', folder], { stdio: 'ignore' });
  });
  say(`${MACHINES.join(', ')}: each has a folder and a shipper.`);

  heading('2. Agents record, and the server is killed meanwhile');
  const stores = folders.map((storagePath) => new EventStore(storagePath));
  const record = async (from, to) => {
    for (let number = from; number < to; number++) {
      await Promise.all(stores.map((store, machine) => store.append(event(machine, number))));
    }
  };
  await record(0, EVENTS / 2);
  await server.kill();
  await record(EVENTS / 2, EVENTS);
  await stores[0].compact(10);
  const waiting = JSON.parse(call(folders[0], 'status', '--json')).pendingBytes;
  say(`${EVENTS * MACHINES.length} events were accepted, half of them while there was no server.`);
  say(`${MACHINES[0]} has compacted its folder to 10 events; ${waiting} bytes still wait there.`);

  heading('3. The server is back');
  await server.start();
  for (const shipper of shippers) {
    const ended = new Promise((resolve) => shipper.once('exit', resolve));
    shipper.kill('SIGTERM');
    await ended;
  }
  for (const folder of folders) call(folder, 'ship', '--once');
  say(call(folders[0], 'status', '--remote'));
  const remote = JSON.parse(call(folders[0], 'status', '--remote', '--json'));

  heading('Result');
  const expected = EVENTS * MACHINES.length;
  const stored = remote.sources.reduce((sum, source) => sum + source.stored, 0);
  check('each event is in the store', remote.events === expected, `${remote.events} of ${expected}`);
  check('each was stored once', stored === expected, `${stored} of ${expected}`);
  check('the compaction took nothing away that waited', waiting > 0);
  await Promise.all(stores.map((store) => store.close()));
  await server.remove();
  rmSync(workspace, { recursive: true });
  process.exitCode = failed() ? 1 : 0;
}

function event(machine, number) {
  return {
    eventId: `${MACHINES[machine]}-${number}`,
    taskId: `task-${number % 7}`,
    guidanceHash: 'demo',
    retrievedRuleIds: [],
    toolsUsed: ['Edit'],
    filesTouched: [],
    diffSummary: { linesAdded: 1, linesRemoved: 0, filesChanged: 1 },
    testResults: { ran: false, passed: 0, failed: 0, skipped: 0 },
    violations: [],
    outcomeAccepted: null,
    reworkLines: 0,
    intent: 'feature',
    timestamp: Date.now(),
    durationMs: 5,
    sessionId: MACHINES[machine],
  };
}
