/**
 * Equality of answers: as strict as node:assert's deepStrictEqual (Object.is, prototypes, holes), and strict about the order of keys besides,
 * since that is the order of the bytes to come. Strings that are ids known to `ids` are compared by what they stand for.
 */
export class Ids {
  #tokens = new Map();
  #meanings = new Map();

  /** Says that these ids, {owner: id}, stand for the same event. */
  unify(idOf) {
    const token = `#${String(this.#meanings.size + 1).padStart(35, '0')}`;
    this.#meanings.set(token, idOf);
    for (const id of Object.values(idOf)) if (typeof id === 'string') this.#tokens.set(id, token);
  }

  of(text) {
    return this.#tokens.get(text) ?? text;
  }

  /** A buffer as text, one character a byte, known ids replaced by their tokens. Equal texts are equal bytes. */
  bytes(buffer) {
    return buffer === null ? null : buffer.toString('latin1').replace(UUID, (id) => this.of(id));
  }

  /** The same bytes, with the ids that `owner` has for the same events. */
  translate(buffer, owner) {
    return Buffer.from(
      buffer.toString('latin1').replace(UUID, (id) => this.#meanings.get(this.of(id))?.[owner] ?? id),
      'latin1',
    );
  }
}

const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/g;

/** Two logs, already found different: the first line in which they are. */
export function differingLine(a, b) {
  if (a === null || b === null) return `${show(a)} against ${show(b)}`;
  const [x, y] = [a.split('\n'), b.split('\n')];
  const at = x.findIndex((line, i) => line !== y[i]);
  return `${x.length - 1} lines against ${y.length - 1}; line ${at + 1}: ${show(x[at])}\n  against ${show(y[at])}`;
}

/** Where `a` and `b` differ, as a path with both values, or null. */
export function differ(a, b, ids, path = '') {
  if (Object.is(a, b)) return null;
  if (typeof a === 'string' && typeof b === 'string')
    return ids.of(a) === ids.of(b) ? null : told(path, a, b);
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return told(path, a, b);
  if (Object.getPrototypeOf(a) !== Object.getPrototypeOf(b)) return `${path}: prototypes differ`;
  if (a instanceof Date) {
    if (!Object.is(a.getTime(), b.getTime())) return told(path, a, b);
  } else if (a instanceof Number || a instanceof String || a instanceof Boolean) {
    if (!Object.is(a.valueOf(), b.valueOf())) return told(path, a, b);
  } else if (a instanceof RegExp) {
    if (String(a) !== String(b)) return told(path, a, b);
  } else if (a instanceof Map) {
    return differ([...a], [...b], ids, `${path}<entries>`);
  }
  const keys = Reflect.ownKeys(a);
  const others = Reflect.ownKeys(b);
  if (keys.length !== others.length || keys.some((key, i) => key !== others[i]))
    return told(`${path}<keys>`, keys.map(String), others.map(String));
  for (const key of keys) {
    const found = differ(
      a[key],
      b[key],
      ids,
      `${path}[${typeof key === 'string' ? JSON.stringify(key) : String(key)}]`,
    );
    if (found !== null) return found;
  }
  return null;
}

function told(path, a, b) {
  return `${path || 'answer'}: ${show(a)} against ${show(b)}`;
}

export function show(item) {
  if (typeof item === 'string')
    return JSON.stringify(item.length > 900 ? `${item.slice(0, 900)}… (${item.length})` : item);
  if (typeof item === 'bigint') return `${item}n`;
  if (Object.is(item, -0)) return '-0';
  if (typeof item === 'object' && item !== null) {
    try {
      return (JSON.stringify(item) ?? String(item)).slice(0, 900);
    } catch {
      return Object.prototype.toString.call(item);
    }
  }
  return String(item);
}

/** What must be equal of two errors: the class; and of a refused lock, who holds it. */
export function describeError(error) {
  if (!(error instanceof Error)) return `no Error: ${show(error)}`;
  const locked = /^Storage is locked by another process \(holder: (.*), age: \d+ms\)\. Lock file: /.exec(
    error.message,
  );
  if (locked) return `Error: locked by ${/^[0-9a-f-]{36}$/.test(locked[1]) ? 'an instance' : locked[1]}`;
  return error.constructor.name;
}
