/** One package for import and require: the same classes whichever way they come. */
import { execFile } from 'node:child_process';
import { createRequire } from 'node:module';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { logged } from './support/disk.mjs';
import { fresh } from './support/folder.mjs';
import { describeOurs, ours } from './support/implementations.mjs';

const require = createRequire(import.meta.url);
const run = promisify(execFile);

async function evaluate(script, ...flags) {
  const { stdout } = await run(process.execPath, [...flags, '-e', script], {
    cwd: import.meta.dirname,
    timeout: 30_000,
  });
  return stdout;
}

const work = (folder) => `
  const ledger = createPersistentLedger({ storagePath: ${JSON.stringify(folder)} });
  ledger.logEvent(ledger.createEvent('task', 'feature', 'hash'));
  console.log(ledger instanceof RunLedger, ledger.eventCount);
`;

describeOurs('import and require', () => {
  test('give the same classes', () => {
    const required = require('guidance-ledger');
    for (const [name, value] of Object.entries(required)) expect(ours[name], name).toBe(value);
    expect(Object.keys(required).toSorted()).toEqual(
      Object.keys(ours)
        .filter((name) => name !== 'default' && name !== 'module.exports')
        .toSorted(),
    );
  });

  test('require in a CommonJS program', async () => {
    const folder = fresh();
    expect(
      await evaluate(
        `const { createPersistentLedger, RunLedger } = require('guidance-ledger'); ${work(folder)}`,
      ),
    ).toBe('true 1\n');
    expect(logged(folder)).toHaveLength(1);
  });

  test('import in an ESM program', async () => {
    const folder = fresh();
    expect(
      await evaluate(
        `import { createPersistentLedger, RunLedger } from 'guidance-ledger'; ${work(folder)}`,
        '--input-type=module',
      ),
    ).toBe('true 1\n');
    expect(logged(folder)).toHaveLength(1);
  });

  test('both in one program: an event of one is seen by the other', async () => {
    const folder = fresh();
    const script = `
      const required = require('guidance-ledger');
      import('guidance-ledger').then(async (imported) => {
        const ledger = imported.createPersistentLedger({ storagePath: ${JSON.stringify(folder)} });
        ledger.logEvent(ledger.createEvent('task', 'feature', 'hash'));
        console.log(ledger instanceof required.RunLedger, (await required.createEventStore(${JSON.stringify(folder)}).readAll()).length);
      });
    `;
    expect(await evaluate(script)).toBe('true 1\n');
  });

  test('package.json can be asked for', () => {
    expect(require('guidance-ledger/package.json').name).toBe('guidance-ledger');
  });

  test('nothing else of the package can be imported', async () => {
    expect(() => require('guidance-ledger/lib/store/event-store.js')).toThrow(/not defined by "exports"/);
  });

  test('loading it touches no file of the working directory', async () => {
    const { mkdtempSync, readdirSync, rmSync } = await import('node:fs');
    const { tmpdir } = await import('node:os');
    const { join } = await import('node:path');
    const empty = mkdtempSync(join(tmpdir(), 'guidance-ledger-'));
    try {
      await run(process.execPath, ['-e', `require(${JSON.stringify(require.resolve('guidance-ledger'))})`], {
        cwd: empty,
      });
      expect(readdirSync(empty)).toEqual([]);
    } finally {
      rmSync(empty, { recursive: true });
    }
  });
});
