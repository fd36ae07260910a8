/**
 * The hooks of the published guidance module on a ledger that keeps its runs, in TypeScript.
 *
 * The import from `guidance-ledger/guidance` gives the ledger a type that `createGuidanceHooks` accepts.
 */

import { createGates, createGuidanceHooks, createRetriever } from '@claude-flow/guidance';
import { HookEvent, HookExecutor, HookRegistry } from '@claude-flow/hooks';
import { createPersistentLedger, type StorageStats } from 'guidance-ledger/guidance';

const ledger = createPersistentLedger({ storagePath: process.argv[2] ?? '.claude-flow/guidance' });
await ledger.init();

const registry = new HookRegistry();
createGuidanceHooks(createGates(), createRetriever(), ledger, registry);

const executor = new HookExecutor(registry);
const task = { id: 'task-1', description: 'Fix the login bug' };
await executor.execute(HookEvent.PreTask, { task });
await executor.execute(HookEvent.PostTask, { task: { ...task, status: 'completed' } });

const { eventCount }: StorageStats = await ledger.getStorageStats();
console.log(`${eventCount} runs recorded`);
await ledger.destroy();
