'use strict';

// The addon's classes for a realm that is not the addon's own.
//
// Node loads an addon once for each thread, in the main realm. Code that runs in another one, in a `node:vm` context as
// test runners make it, would get errors that are not an `Error` there and objects that are not an `Object`. The
// classes made here do what the native ones do; what they throw, reject with and return is made anew in this realm.
// Loaded only where the realms differ.

/** @typedef {typeof import('../../binding.js')} Binding */
/** @typedef {new (...args: any[]) => any} Class */

/** @type {Record<string, ErrorConstructor>} */
const ERRORS = { RangeError, SyntaxError, TypeError };

/**
 * @param {any} error
 * @returns {unknown} the same error, of this realm
 */
function localError(error) {
  if (typeof error !== 'object' || error === null || error instanceof Error) return error;
  const local = new (ERRORS[error.name] ?? Error)(error.message);
  for (const key of Reflect.ownKeys(error)) {
    const property = Object.getOwnPropertyDescriptor(error, key);
    if (property !== undefined && 'value' in property) Object.defineProperty(local, key, property);
  }
  return local;
}

/**
 * Answers of native calls for this realm.
 * @param {Map<Class, Class>} classes of this realm, by those of the addon
 */
function adoption(classes) {
  /** @type {(answer: any) => any} */
  const adopt = (answer) => {
    if (typeof answer !== 'object' || answer === null || ArrayBuffer.isView(answer)) return answer;
    if (typeof answer.then === 'function') return settle(answer);
    if (Array.isArray(answer)) return Array.from(answer);
    const own = classes.get(answer.constructor);
    return own === undefined ? { ...answer } : Object.setPrototypeOf(answer, own.prototype);
  };
  /** @type {(answer: PromiseLike<any>) => Promise<any>} */
  const settle = async (answer) => {
    try {
      return adopt(await answer);
    } catch (error) {
      throw localError(error);
    }
  };
  return adopt;
}

/**
 * Puts in the place of the functions of `source` such as belong to this realm.
 * @param {any} source
 * @param {any} target
 * @param {(answer: any) => any} adopt
 */
function wrapFunctions(source, target, adopt) {
  for (const name of Object.getOwnPropertyNames(source)) {
    const { value: native } = Object.getOwnPropertyDescriptor(source, name) ?? {};
    if (typeof native !== 'function' || name === 'constructor') continue;
    /** @this {any} @param {any[]} args */
    const value = function (...args) {
      try {
        return adopt(native.apply(this === target ? source : this, args));
      } catch (error) {
        throw localError(error);
      }
    };
    Object.defineProperty(target, name, { value, writable: true, configurable: true });
  }
}

/**
 * @param {Binding} binding
 * @returns {Binding}
 */
function adopted(binding) {
  /** @type {Map<Class, Class>} */
  const classes = new Map();
  const adopt = adoption(classes);
  /** @type {Record<string, unknown>} */
  const local = { ...binding };
  wrapFunctions(binding, local, adopt);
  for (const [name, native] of Object.entries(binding)) {
    // By the custom of naming: to the language a class of an addon is a function like any other.
    if (typeof native !== 'function' || !/^[A-Z]/.test(name)) continue;
    const own = class extends /** @type {Class} */ (native) {};
    wrapFunctions(native.prototype, own.prototype, adopt);
    wrapFunctions(native, own, adopt);
    classes.set(/** @type {Class} */ (native), own);
    local[name] = own;
  }
  return /** @type {Binding} */ (local);
}

module.exports = { adopted };
