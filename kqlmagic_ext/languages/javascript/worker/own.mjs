// What the worker takes from the realm, once, before any cell runs: a cell may declare `let JSON = …`, and every script of the
// realm finds that under the name from then on.
export { Buffer } from "node:buffer";
export const realm = globalThis;
export const deno = globalThis.Deno;
export const {
  Array, ArrayBuffer, Atomics, Error, Int32Array, JSON, Map, Number, Object, Promise, Reflect, Set, SharedArrayBuffer, String,
  Symbol, SyntaxError, TextDecoder, TextDecoderStream, TextEncoder, URL, Uint8Array, WeakMap, process,
} = globalThis;

// For the scripts that come with the package: they are made as functions with these names, too.
export const builtins = Object.fromEntries(
  Object.entries(Object.getOwnPropertyDescriptors(globalThis))
    .filter(([name, { value }]) => /^[A-Z]/.test(name) && (typeof value === "function" || typeof value === "object"))
    .concat([["TextDecoder", { value: TextDecoder }], ["TextEncoder", { value: TextEncoder }]])
    .map(([name, { value }]) => [name, value]),
);
const { Function } = globalThis;

/** A function of the parameters `names` with a body, in which the built-ins are those of the start. */
export function compile(names, body) {
  const free = Object.keys(builtins).filter((name) => !names.includes(name));
  const made = new Function(...free, ...names, body);
  return (...values) => made.call(undefined, ...free.map((name) => builtins[name]), ...values);
}
