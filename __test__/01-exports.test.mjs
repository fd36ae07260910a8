/** What the package exports: names, kinds, shapes. */
import { describe, expect, test } from 'vitest';
import { describeOurs, implementations, original, ours } from './support/implementations.mjs';

const CLASSES = [
  'EventStore',
  'PersistentLedger',
  'RunLedger',
  'TestsPassEvaluator',
  'ForbiddenCommandEvaluator',
  'ForbiddenDependencyEvaluator',
  'ViolationRateEvaluator',
  'DiffQualityEvaluator',
];
const FUNCTIONS = ['createPersistentLedger', 'createEventStore', 'createLedger'];

const methodsOf = (type) =>
  Object.getOwnPropertyNames(type.prototype).filter((name) => name !== 'constructor');

describe.each(implementations)('$name', ({ implementation }) => {
  test.each(CLASSES)('%s is a class', (name) => {
    expect(implementation[name]).toBeTypeOf('function');
    expect(String(implementation[name])).toMatch(/^class /);
    expect(implementation[name].name).toBe(name);
  });

  test.each(FUNCTIONS)('%s is a function', (name) => {
    expect(implementation[name]).toBeTypeOf('function');
    expect(() => new implementation.RunLedger()).not.toThrow();
  });

  test('PersistentLedger extends RunLedger', () => {
    expect(Object.getPrototypeOf(implementation.PersistentLedger)).toBe(implementation.RunLedger);
    expect(Object.getPrototypeOf(implementation.PersistentLedger.prototype)).toBe(
      implementation.RunLedger.prototype,
    );
  });
});

describeOurs('ours beside the original', () => {
  test('exports these names and no others', () => {
    expect(
      Object.keys(ours)
        .filter((name) => name !== 'default' && name !== 'module.exports')
        .sort(),
    ).toEqual([...CLASSES, ...FUNCTIONS, 'isLedgerError'].sort());
  });

  // The original's private helpers are methods too; its types mark them so.
  const PRIVATE = [
    'ensureDirectory',
    'parseNdjson',
    'readIndex',
    'updateIndex',
    'rebuildIndex',
    'startCompactTimer',
    'stopCompactTimer',
    'evictIfNeeded',
  ];

  test.each(CLASSES)('%s has every public method of the original, with as many parameters', (name) => {
    const missing = methodsOf(original[name]).filter(
      (method) => !PRIVATE.includes(method) && !methodsOf(ours[name]).includes(method),
    );
    expect(missing).toEqual([]);
    for (const method of methodsOf(original[name])) {
      if (PRIVATE.includes(method)) continue;
      const [theirs, mine] = [original, ours].map((implementation) =>
        Object.getOwnPropertyDescriptor(implementation[name].prototype, method),
      );
      expect(mine.enumerable, method).toBe(false);
      expect(typeof mine.get, method).toBe(typeof theirs.get);
      if (typeof theirs.value === 'function')
        expect(mine.value.constructor.name, `${method}: async or not`).toBe(theirs.value.constructor.name);
      if (typeof theirs.value === 'function' && method !== 'compact')
        expect(mine.value.length, method).toBe(theirs.value.length);
    }
  });

  test('the additions are there', () => {
    expect(methodsOf(ours.EventStore)).toEqual(
      expect.arrayContaining(['flush', 'stream', 'readByTask', 'verify']),
    );
    expect(methodsOf(ours.PersistentLedger)).toEqual(expect.arrayContaining(['flush']));
  });

  test.skipIf(Symbol.asyncDispose === undefined)('store and ledger can be disposed of', () => {
    expect(ours.EventStore.prototype[Symbol.asyncDispose]).toBeTypeOf('function');
    expect(ours.PersistentLedger.prototype[Symbol.asyncDispose]).toBeTypeOf('function');
  });

  test('instances show no inner parts', () => {
    expect(Reflect.ownKeys(new ours.EventStore('path'))).toEqual([]);
    expect(Reflect.ownKeys(new ours.RunLedger())).toEqual([]);
    expect(Reflect.ownKeys(new ours.PersistentLedger({ storagePath: 'path' }))).toEqual([]);
  });
});
