/** Runs functions that the parent process sends, one after the other unless they wait. */
import * as fs from 'node:fs';
import { runInThisContext } from 'node:vm';
import * as latency from '../latency.mjs';

const { folder, implementation = 'ours', options = {}, listens = false } = JSON.parse(process.argv[2]);
const ledgerModule =
  implementation === 'ours'
    ? await import('guidance-ledger')
    : await import('@claude-flow/guidance/persistence');

const told = [];
const store = ledgerModule.createEventStore(folder, options);
const ledger = ledgerModule.createPersistentLedger({
  storagePath: folder,
  ...options,
  ...(listens ? { onError: (error) => told.push(error.code) } : {}),
});
const context = { store, ledger, ledgerModule, told, fs, folder, latency };

process.on('message', async ({ number, task, values }) => {
  const reply = {};
  try {
    reply.value = await runInThisContext(`(${task})`)(context, ...values);
  } catch ({ name, message, code, path, syscall }) {
    reply.error = { name, message, code, path, syscall };
  }
  process.send({ number, ...reply });
});
