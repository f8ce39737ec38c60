// Evaluation by V8's inspector, in this process, as the REPL of a browser does it: `let`, `const` and `class` may be declared
// again, `await` stands at the top, and the last expression has a value.
import inspector from "node:inspector";
import v8 from "node:v8";

import { mend } from "./natives.mjs";
import { Array, Promise } from "./own.mjs";
import { HIDDEN } from "./rewrite.mjs";

const INSPECT_MS = 200;

const session = new inspector.Session();
session.connect();
/** Ask the inspector, whose own code relies on what cells may change. */
const post = (...asked) => {
  mend();
  session.post(...asked);
};

// The promise of a cell that was stopped is never settled. It must not be collected either: V8 would tell the inspector so in
// the middle of a collection, and that ends the process.
const pending = { __proto__: null };
let evaluations = 0;

/**
 * @param {string} expression
 * @returns {Promise<{value: any} | {thrown: any} | {refused: {message: string, line: number, column: number}} | {stopped: true}>}
 *   `refused`: it is no JavaScript; the place is counted from 0
 */
export function evaluate(expression) {
  return new Promise((resolve) => {
    post("Runtime.releaseObjectGroup", { objectGroup: "cell" });
    // The inspector awaits a promise that it shows to nobody: the first that is made now. Its value is the live one.
    let promise = null;
    const unhook = v8.promiseHooks.onInit((made) => {
      if (promise) return;
      promise = made;
      unhook();
    });
    const options = { expression, replMode: true, awaitPromise: true, silent: true, objectGroup: "cell" };
    post("Runtime.evaluate", options, (error, reply) => {
      if (error) resolve({ __proto__: null, stopped: true });
      else if (!promise) resolve(refusal(reply));
    });
    if (promise) settle(promise, resolve);
    else unhook();
  });
}

/** Tell how a promise ends, whatever the cell has made of promises. */
async function settle(promise, resolve) {
  const number = (evaluations += 1);
  pending[number] = promise;
  let ended;
  try {
    ended = { __proto__: null, value: (await promise)[".repl_result"] };
  } catch (thrown) {
    ended = { __proto__: null, thrown };
  }
  delete pending[number];
  resolve(ended);
}

/** What the inspector says of a text that is no JavaScript. */
function refusal(reply) {
  const { exception, text, lineNumber, columnNumber } = reply.exceptionDetails;
  const message = (exception?.description ?? text).split("\n")[0];
  return { __proto__: null, refused: { message, line: lineNumber, column: columnNumber } };
}

/** @returns {Promise<string[]>} the names that cells have declared with let, const and class */
export function lexicalNames() {
  return new Promise((resolve) => {
    post("Runtime.globalLexicalScopeNames", {}, (error, reply) => resolve(error ? [] : Array.from(reply.names)));
  });
}

const call = (method, params) =>
  new Promise((resolve) => {
    post(method, params, (error, reply) => resolve(error || reply.exceptionDetails ? null : reply.result));
  });

/** @returns {Promise<any>} the live value of an expression that has no effect; undefined for any other */
export async function inspect(expression, hidden) {
  const harmless = { expression, throwOnSideEffect: true, silent: true, timeout: INSPECT_MS, objectGroup: "inspect" };
  const found = await call("Runtime.evaluate", harmless);
  if (!found?.objectId) return found?.value;
  const functionDeclaration = `function () { ${HIDDEN}.given = this; }`;
  await call("Runtime.callFunctionOn", { objectId: found.objectId, functionDeclaration, silent: true });
  post("Runtime.releaseObjectGroup", { objectGroup: "inspect" });
  const value = hidden.given;
  hidden.given = undefined;
  return value;
}
