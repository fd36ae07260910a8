/** Events whose object and whose line need not agree on the id: getters, prototypes, proxies, toJSON(). */
import { runEvent } from './events.mjs';

let count = 0;
const nextId = () => `id ${++count}`;

/** An event without an id of its own. */
export function bare() {
  const { eventId, ...event } = runEvent();
  return event;
}

/** Events whose eventId and whose line say different things. Each can be changed by its `note`. */
export const KINDS = {
  'an own property, first': () => runEvent({ eventId: nextId() }),
  'an own property, last': () => ({ ...bare(), eventId: nextId() }),
  'an own property, last, for as long as no note comes': () => Object.assign(bare(), { eventId: nextId() }),
  'an own property in the middle': () => ({ taskId: 'task', eventId: nextId(), timestamp: 1 }),
  'an own property that needs escapes': () => runEvent({ eventId: `"\\\n\ud800 ${nextId()}` }),
  'an own property of backslashes': () => ({ ...bare(), eventId: `\\${nextId()}\\` }),
  'an own property that looks like members': () => ({ ...bare(), eventId: `a","eventId":"${nextId()}` }),
  'a String object': () => runEvent({ eventId: Object(nextId()) }),
  'a number': () => runEvent({ eventId: ++count }),
  none: () => ({ ...bare(), n: ++count }),
  empty: () => ({ ...runEvent({ eventId: '' }), n: ++count }),
  'a getter on the prototype': () => {
    class Run {
      n = ++count;
      get eventId() {
        return 'not in the line';
      }
    }
    return Object.assign(new Run(), bare());
  },
  'an own getter': () => {
    const id = nextId();
    return {
      ...bare(),
      get eventId() {
        return id;
      },
    };
  },
  'a getter that says another thing each time': () => {
    let asked = 0;
    const id = nextId();
    return {
      get eventId() {
        return `${id} ${asked++}`;
      },
      ...bare(),
    };
  },
  'not enumerable': () => Object.defineProperty({ ...bare(), n: ++count }, 'eventId', { value: nextId() }),
  inherited: () => Object.assign(Object.create({ eventId: nextId() }), bare(), { n: ++count }),
  'given by toJSON()': () => {
    const id = nextId();
    return {
      ...bare(),
      toJSON() {
        return { ...this, eventId: id, toJSON: undefined };
      },
    };
  },
  'changed by toJSON()': () => {
    const id = nextId();
    return {
      ...runEvent({ eventId: nextId() }),
      toJSON() {
        return { ...this, eventId: id, toJSON: undefined };
      },
    };
  },
  'changed by toJSON() so that it begins like the object says': () => {
    const id = `"${nextId()}`;
    return {
      eventId: '\\',
      ...bare(),
      toJSON() {
        return { ...this, eventId: id, toJSON: undefined };
      },
    };
  },
  'taken away by toJSON()': () => {
    const n = ++count;
    return {
      ...runEvent({ eventId: nextId() }),
      toJSON() {
        return { ...this, n, eventId: undefined, toJSON: undefined };
      },
    };
  },
  'another one in a nested object': () => ({ n: ++count, ...bare(), nested: { eventId: nextId() } }),
  'hidden by a proxy': () => {
    const n = ++count;
    return new Proxy(
      { ...bare(), n },
      { get: (target, key) => (key === 'eventId' ? 'not in the line' : Reflect.get(target, key)) },
    );
  },
};
