// TypeScript, as ESM.
import {
  createPersistentLedger,
  type PersistenceConfig,
  RunLedger,
  type StorageStats,
} from 'guidance-ledger';
import * as typed from 'guidance-ledger/guidance';

const config: Partial<PersistenceConfig> = {
  durability: 'process',
  ...(process.argv[2] && { storagePath: process.argv[2] }),
};
const ledger = createPersistentLedger(config);
ledger.finalizeEvent(ledger.createEvent('types', 'feature', 'hash'));
const { eventCount }: StorageStats = await ledger.getStorageStats();
const same: typed.PersistentLedger = typed.createPersistentLedger(config);
console.log(ledger instanceof RunLedger, same instanceof typed.RunLedger, eventCount);
