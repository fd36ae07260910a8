// In Jest.
const guidanceLedger = require('guidance-ledger');
const scenario = require('./runner.cjs');

test('guidance-ledger', () => scenario(expect, guidanceLedger));
