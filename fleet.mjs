// `guidance-ledger/fleet` for ES modules: the very objects of fleet.js.

import fleet from './fleet.js';

export const { FleetStore, createFleetStore, FleetLedger, createFleetLedger } = fleet;
