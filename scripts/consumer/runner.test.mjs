// In Vitest.
import * as guidanceLedger from 'guidance-ledger';
import { expect, test } from 'vitest';
import scenario from './runner.cjs';

test('guidance-ledger', () => scenario(expect, guidanceLedger));
