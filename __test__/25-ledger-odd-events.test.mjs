/**
 * Odd events in any order of calls, against a model: whatever is logged, imported, changed, cleared, loaded and saved,
 * a save leaves each event of the ledger in the log once, and each line that the ledger never held.
 */
import { expect, test } from 'vitest';
import { open } from './scenarios/ledger.mjs';
import { logged } from './support/disk.mjs';
import { runEvent } from './support/events.mjs';
import { fresh } from './support/folder.mjs';
import { describeOurs, ours } from './support/implementations.mjs';
import { KINDS } from './support/odd-events.mjs';
import { Random } from './support/random.mjs';

/** How many, from `ODD_FIRST` on: another number tries other orders than those of every run. */
const SEEDS = 40;
const STEPS = 40;

/** An event that is refused, each time in another way. */
const bad = (random) =>
  random.pick([
    () => null,
    () => new Map(),
    () => ({ big: 1n }),
    () => ({
      toJSON() {
        throw 'a text';
      },
    }),
    () => ({ toJSON: () => [] }),
  ])();

class Run {
  #random;
  #folder = fresh();
  #ledger;
  /** Lines in the log that the ledger never held. */
  #foreign = 0;
  steps = [];

  constructor(seed) {
    this.#random = new Random(seed);
    this.#ledger = open(ours, this.#folder, { enableWAL: this.#random.chance(0.7), maxEvents: 12 });
  }

  #make() {
    return this.#random.pick(Object.values(KINDS))();
  }

  #add() {
    const how = this.#random.pick(['logEvent', 'finalizeEvent', 'importEvents']);
    if (how === 'importEvents') this.#ledger.importEvents([this.#make(), this.#make()]);
    else this.#ledger[how](this.#make());
    return how;
  }

  #change() {
    const { length } = this.#ledger.getEvents();
    if (length === 0) return 'nothing to change';
    const event = this.#ledger.getEvents()[this.#random.int(length)];
    event.note = `changed ${this.steps.length}`;
    const own = Object.getOwnPropertyDescriptor(event, 'eventId');
    if (own?.writable && this.#random.chance(0.5)) event.eventId = `renamed ${this.steps.length}`;
    return 'change';
  }

  #refused() {
    const before = [this.#ledger.eventCount, logged(this.#folder).length];
    const events = [this.#make(), bad(this.#random), this.#make()];
    expect(() => this.#ledger.importEvents(events)).toThrow(/events\[1\]/);
    expect([this.#ledger.eventCount, logged(this.#folder).length]).toEqual(before);
    return 'refused';
  }

  async #load() {
    const loading = this.#ledger.load();
    const during = this.#random.chance(0.5) ? this.#add() : 'nothing';
    if (this.#random.chance(0.5)) this.#change();
    await loading;
    this.#foreign = 0;
    return `load, ${during} meanwhile`;
  }

  async #save() {
    const saving = this.#ledger.save();
    const { eventCount } = this.#ledger;
    const during = this.#random.chance(0.3) ? this.#add() : '';
    await saving;
    if (during === '') expect(logged(this.#folder)).toHaveLength(eventCount + this.#foreign);
    await this.#ledger.save();
    expect(logged(this.#folder)).toHaveLength(this.#ledger.eventCount + this.#foreign);
    return 'save';
  }

  async #step() {
    const what = this.#random.weighted([
      [8, () => this.#add()],
      [4, () => this.#change()],
      [2, () => this.#refused()],
      [2, () => this.#load()],
      [3, () => this.#save()],
      [
        1,
        async () => {
          if ((await this.#ledger.compact()) > 0) this.#foreign = 0;
          return 'compact';
        },
      ],
      [
        1,
        () => {
          this.#ledger.clear();
          return 'clear';
        },
      ],
      [
        2,
        async () => {
          await ours.createEventStore(this.#folder).append(runEvent());
          this.#foreign++;
          return 'another program appends';
        },
      ],
    ]);
    this.steps.push('…');
    this.steps.push(await what());
  }

  async all() {
    for (let i = 0; i < STEPS; i++) await this.#step();
    await this.#save();
    this.#ledger.clear();
    await this.#save();
    await this.#ledger.destroy();
  }
}

describeOurs('odd events', () => {
  test(`in ${SEEDS} orders of ${STEPS} calls are in the log once`, async () => {
    const first = Number(process.env.ODD_FIRST ?? 1);
    for (let seed = first; seed < first + SEEDS; seed++) {
      const run = new Run(seed);
      try {
        await run.all();
      } catch (error) {
        throw new Error(`seed ${seed}, after ${run.steps.filter((it) => it !== '…').join('; ')}`, {
          cause: error,
        });
      }
    }
  });
});
