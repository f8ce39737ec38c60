// JavaScript's own objects, as they were at the start. A cell may change them (`Object.prototype.toJSON = …`), and then nobody can
// say what the worker's code does, nor Node.js' own inspector: they are put back as soon as the cell has ended, which fails.
//
// What runs before that must need none of them: no iteration, no methods of arrays, maps and promises; objects without prototypes.
import { Array, JSON, Map, Object, Reflect, Set, String, Symbol, builtins } from "./own.mjs";

const { apply, defineProperty, deleteProperty, getOwnPropertyDescriptor, getPrototypeOf, ownKeys } = Reflect;
const { setPrototypeOf } = Object;
const { isArray } = Array;
const { stringify } = JSON;
const NAMES = (
  "Array ArrayBuffer Atomics BigInt BigInt64Array Boolean DataView Date Float64Array Function Int32Array JSON Map Math Number " +
  "Object Promise Reflect RegExp Set SharedArrayBuffer String Symbol TextDecoder TextEncoder URL Uint8Array Uint32Array WeakMap"
).split(" ");
const OPEN = new Set(["Date.now", "Math.random"]); // clocks and chance are replaced on purpose, and nothing here asks them
// What objects and lists would inherit: the fields of descriptors, of messages, and of what an evaluation gives.
const ABSENT = (
  "toJSON then get set value writable enumerable configurable thrown stopped refused missing error exceptionDetails objectId " +
  "arrow path json offset"
).split(" ");

/** @type {{object: object, key: PropertyKey, name: string, was: PropertyDescriptor | undefined}[]} in the order of mending */
const kept = [];
let changed = [];
let lasting = false;

function keep(object, name, keys = ownKeys(object)) {
  for (const key of keys) {
    const was = getOwnPropertyDescriptor(object, key);
    const said = typeof key === "symbol" ? `${name}[${String(key).slice(7, -1)}]` : `${name}.${key}`;
    if (OPEN.has(said) || (was && typeof was.value !== "function" && !was.get)) continue;
    kept.push(setPrototypeOf({ object, key, name: said, was: was && setPrototypeOf(was, null) }, null));
  }
}

keep(Object.prototype, "Object.prototype", ABSENT);
keep(Array.prototype, "Array.prototype", ["toJSON", "then"]);
for (const name of NAMES) {
  keep(builtins[name], name);
  if (builtins[name].prototype) keep(builtins[name].prototype, `${name}.prototype`);
}
keep(builtins.Error.prototype, "Error.prototype");
const iterators = [[].values(), new Map().values(), new Set().values(), ""[Symbol.iterator](), "".matchAll(/./g), (function* () {})()];
for (const iterator of iterators) {
  for (let object = getPrototypeOf(iterator); object !== Object.prototype; object = getPrototypeOf(object)) {
    if (!kept.some((one) => one.object === object)) keep(object, object[Symbol.toStringTag] ?? "Iterator");
  }
}
keep(getPrototypeOf(builtins.Uint8Array.prototype), "TypedArray.prototype");
keep(getPrototypeOf(builtins.Uint8Array), "TypedArray");

const isSame = (was, now) =>
  was && now ? was.value === now.value && was.get === now.get && was.set === now.set : was === now;

/** Whether a property is as it was: nearly all hold a function, which is looked at without making a descriptor of it. */
function isUntouched({ object, key, was }) {
  if (was?.value) {
    try {
      return object[key] === was.value;
    } catch {
      return false; // a getter that a cell has put there
    }
  }
  return isSame(was, getOwnPropertyDescriptor(object, key));
}

/** Put back what has changed, and remember its names. */
export function mend() {
  for (let at = 0; at < kept.length; at += 1) {
    const one = kept[at];
    if (isUntouched(one)) continue;
    const isBack = one.was ? defineProperty(one.object, one.key, one.was) : deleteProperty(one.object, one.key);
    lasting ||= !isBack;
    changed[changed.length] = one.name;
  }
}

/** @returns {string | null} what has been changed since the last time, as the cell is told */
export function damage() {
  mend();
  const names = [...new Set(changed)];
  changed = [];
  if (!names.length) return null;
  const what = names.length > 3 ? `${names.slice(0, 3).join(", ")} and ${names.length - 3} more` : names.join(", ");
  const end = lasting ? "it cannot be put back, so the session ends, and the next cell starts a new one" : "it was put back";
  return `the cell changed JavaScript's own ${what}, which its session needs; ${end}`;
}

/** Whether something could not be put back: then nobody can go on. */
export const isLasting = () => lasting;

/** A function that is called on its first argument, whatever a cell makes of its name. */
export const uncurried = (method) => (self, ...given) => apply(method, self, given);

/** @returns {string} the JSON of plain objects, lists and values, whatever a cell has put on their prototypes */
export const jsonOf = (value) => stringify(bare(value));

/** A copy without prototypes. */
function bare(value) {
  if (value === null || typeof value !== "object") return value;
  const made = setPrototypeOf(isArray(value) ? [] : {}, null);
  const keys = ownKeys(value);
  for (let at = 0; at < keys.length; at += 1) {
    if (keys[at] !== "length" || !isArray(value)) made[keys[at]] = bare(value[keys[at]]);
  }
  return made;
}
