/** A program that its parent wrote as one function. It ends when nothing is left to do, or as the function says. */
import * as fs from 'node:fs';
import { runInThisContext } from 'node:vm';
import * as ledgerModule from 'guidance-ledger';
import { runEvent } from '../events.mjs';

const { folder, task, values } = JSON.parse(process.argv[2]);
const say = (line) => fs.writeSync(1, `${line}\n`);
await runInThisContext(`(${task})`)({ ledgerModule, runEvent, say, fs, folder }, ...values);
