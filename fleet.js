'use strict';

// `guidance-ledger/fleet`: one ledger over many machines, in a shared PostgreSQL. The types and their documentation are
// in fleet.d.ts. It loads the second native addon; the main entry never does.

module.exports = {
  get FleetStore() {
    return require('./lib/fleet/fleet-store.js').FleetStore;
  },
  get createFleetStore() {
    return require('./lib/fleet/fleet-store.js').createFleetStore;
  },
  get FleetLedger() {
    return require('./lib/fleet/fleet-ledger.js').FleetLedger;
  },
  get createFleetLedger() {
    return require('./lib/fleet/fleet-ledger.js').createFleetLedger;
  },
};
