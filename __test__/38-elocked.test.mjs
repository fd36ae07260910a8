/** What ELOCKED says: which file is held, by which process, and what to do. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { paths } from './support/disk.mjs';
import { runEvent } from './support/events.mjs';
import { describeFaults, Faults } from './support/fault.mjs';
import { folder, fresh } from './support/folder.mjs';
import { describeOurs, ours } from './support/implementations.mjs';
import { agent, start } from './support/processes.mjs';
import { stoppedWriter } from './support/stopped.mjs';

const refusal = (store) => store.acquireLock().catch((error) => error);
const first = (path) =>
  `^Storage is locked by another process \\(holder: [^)]+, age: \\d+ms\\)\\. Lock file: ${path}\\. `;

describeOurs('.lock', () => {
  test('held by this very process', async () => {
    const path = fresh();
    const store = ours.createEventStore(path);
    await store.acquireLock();
    for (const other of [store, ours.createEventStore(path)]) {
      const error = await refusal(other);
      expect(error).toMatchObject({ code: 'ELOCKED', path: paths(path).lock });
      expect(error.message).toMatch(
        new RegExp(
          `${first(paths(path).lock)}This very process \\(pid ${process.pid}\\) holds it, .* releaseLock\\(\\)`,
        ),
      );
    }
    await store.releaseLock();
  });

  test('held by another process', async () => {
    const path = fresh();
    const other = await agent({ folder: path });
    await other.run(({ store }) => store.acquireLock());
    const { message } = await refusal(ours.createEventStore(path));
    expect(message).toMatch(
      new RegExp(
        `${first(paths(path).lock)}Process ${other.pid} wrote it \\d+ ms ago: let it finish, or set lockTimeoutMs`,
      ),
    );
  });

  test.each(['-4', '"7"', '1.5', 'null', '99999999999'])('with the pid %s names none', async (pid) => {
    const path = fresh();
    mkdirSync(path, { recursive: true });
    writeFileSync(paths(path).lock, `{"holder":"x","timestamp":${Date.now()},"pid":${pid}}`);
    const { message } = await refusal(ours.createEventStore(path));
    expect(message).toMatch(
      new RegExp(`${first(paths(path).lock)}Let its holder finish, or set lockTimeoutMs`),
    );
  });
});

describeFaults('.events.lk', () => {
  test.runIf(process.platform === 'linux')('held by a stopped process is named with its pid', async () => {
    const path = fresh();
    const program = start('loser', { folders: [path], how: 'append', end: 'exit', waits: true });
    await program.said(1);
    const other = await stoppedWriter(path);
    program.child.stdin.end('go\n');
    await program.ended;
    expect(program.errors).toMatch(
      new RegExp(
        `ELOCKED: another process \\(pid ${other.program.pid}\\) has held '${path}/\\.events\\.lk' for \\d+ ms\\. Let it finish`,
      ),
    );
    await other.goOn();
  });

  test('append says it after its wait', async () => {
    const path = fresh();
    const other = await stoppedWriter(path);
    const faults = new Faults(folder());
    const it = await agent({ folder: path }, { env: faults.env });
    await it.run(({ store }, event) => {
      globalThis.failed = store.append(event).catch((error) => error);
    }, runEvent());
    faults.advance(20_000);
    const error = await it.fails(async () => {
      throw await globalThis.failed;
    });
    expect(error).toMatchObject({ code: 'ELOCKED', path: `${path}/.events.lk` });
    expect(error.message).toMatch(
      new RegExp(
        `\\(pid ${other.program.pid}\\) has held .* for 2\\d{4} ms; it may be stopped or hang\\. Continue or end`,
      ),
    );
    await other.goOn();
  });
});
