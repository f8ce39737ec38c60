// What a cell imports: found from the notebook's folder, as if the cell were a file there.
import nodeModule, { createRequire } from "node:module";
import path from "node:path";
import { pathToFileURL } from "node:url";
import vm from "node:vm";

import { Error, Number, Object, SyntaxError, URL, deno, process } from "./own.mjs";
import { offsetOf } from "./places.mjs";
import { importedAt } from "./errors.mjs";
import { CellError } from "./rewrite.mjs";

const OUR_WARNINGS = /vm\.USE_MAIN_CONTEXT_DEFAULT_LOADER|stripTypeScriptTypes/;

/** @param {string} folder  the notebook's */
export function modulesOf(folder) {
  const here = pathToFileURL(path.join(folder, "cell.mjs")).href;
  const require = createRequire(here);
  const load = loader(here, require);

  /** What an `import` of a cell becomes: import(), and a module with the exports that it names. */
  const at = (number, offset) => {
    const told = (ask) => async (...asked) => {
      try {
        return await ask(...asked);
      } catch (error) {
        throw importedAt(error, number, offset);
      }
    };
    return { load: told(load), module: told(module) };
  };

  async function module(specifier, names, options) {
    const loaded = await load(specifier, options);
    const missing = names.find((name) => !(name in loaded));
    if (missing === undefined) return loaded;
    throw new SyntaxError(`The requested module '${specifier}' does not provide an export named '${missing}'`);
  }
  const resolve = (specifier) => (/^\.{0,2}\//.test(specifier) ? new URL(specifier, here).href : pathToFileURL(require.resolve(specifier)).href);
  const meta = Object.freeze({ url: here, dirname: folder, filename: path.join(folder, "cell.mjs"), resolve });
  return { at, meta, require };
}

/** import(), as a file of the notebook's folder has it. */
function loader(here, require) {
  keepQuiet();
  const importModuleDynamically = vm.constants?.USE_MAIN_CONTEXT_DEFAULT_LOADER;
  const options = { filename: here, importModuleDynamically };
  if (deno || importModuleDynamically) {
    const load = new vm.Script("(specifier, options) => import(specifier, options)", options).runInThisContext();
    return (specifier, given) => load(isBuiltin(specifier) ? `node:${specifier}` : specifier, given);
  }
  // Before Node.js 20.12: packages are found as require() finds them.
  const find = (specifier) => (/^\.{0,2}\//.test(specifier) ? new URL(specifier, here).href : require.resolve(specifier));
  return (specifier, given) => {
    const found = /^\w{2,}:/.test(specifier) ? specifier : find(specifier);
    return import(path.isAbsolute(found) ? pathToFileURL(found).href : found, given);
  };
}

const isBuiltin = (specifier) => nodeModule.builtinModules.includes(specifier);

/** Node.js warns of the parts that are new to it; we use them knowingly. */
function keepQuiet() {
  const warn = process.emitWarning;
  process.emitWarning = (warning, ...rest) => (OUR_WARNINGS.test(warning) ? undefined : warn.call(process, warning, ...rest));
}

/** @returns {string} TypeScript without its types, each thing at its place */
export function stripTypes(code) {
  try {
    return nodeModule.stripTypeScriptTypes(code, { mode: "strip" });
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    throw typeScriptError(error, code);
  }
}

/** Node.js draws the place above the error's stack, Deno names it at the end of the message. */
function typeScriptError(error, code) {
  const drawn = /^[^\n]*:(\d+)\n(?:.*\n)*?( *)\^+\n/.exec(error.stack);
  const named = / at file:\/\/\/stripTypeScriptTypes\.ts:(\d+):(\d+)$/.exec(error.message);
  const message = `SyntaxError: ${named ? error.message.slice(0, named.index) : error.message}`;
  if (drawn) return new CellError(message, offsetOf(code, Number(drawn[1]) - 1, drawn[2].length));
  return new CellError(message, named ? offsetOf(code, Number(named[1]) - 1, Number(named[2]) - 1) : undefined);
}
