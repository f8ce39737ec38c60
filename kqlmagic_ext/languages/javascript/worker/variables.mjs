// The variables that cells have made: names, values, and what they are in a word.
import { evaluate, lexicalNames } from "./evaluate.mjs";
import { ArrayBuffer, Array, Error, Map, Object, Set, realm } from "./own.mjs";
import { HIDDEN } from "./rewrite.mjs";

const IDENTIFIER = /^[\p{ID_Start}$_][\p{ID_Continue}$\u200c\u200d]*$/u;
const RESERVED = new Set(
  ("arguments await break case catch class const continue debugger default delete do else enum eval export extends false " +
    "finally for function if implements import in instanceof interface let new null package private protected public return " +
    "static super switch this throw true try typeof undefined var void while with yield").split(" "),
);

/** @param {{given: any}} hidden  what cells could see of the worker, did they know its name */
export function variablesOf(hidden) {
  const atStart = new Set(Object.getOwnPropertyNames(realm));

  /** The names that cells have made, in alphabetical order. */
  async function names() {
    const own = Object.getOwnPropertyNames(realm).filter((name) => !atStart.has(name) && IDENTIFIER.test(name));
    return Array.from(new Set([...(await lexicalNames()), ...own])).sort();
  }

  /** Why a name cannot be given a value from outside; null when it can. */
  function refusal(name) {
    if (!IDENTIFIER.test(name)) return "is no name in JavaScript";
    if (name === "__proto__") return "is no name of a variable";
    if (RESERVED.has(name)) return "is a word of JavaScript itself";
    return atStart.has(name) && name !== "_" ? "is a name of JavaScript's own" : null;
  }

  /** Give a name its value, for all later cells; also when a cell has declared it, with whatever word. False: it takes none. */
  async function bind(name, value) {
    if (!(await lexicalNames()).includes(name)) {
      realm[name] = value;
      return true;
    }
    hidden.given = value;
    // What was declared and never got a value is declared again; so is a constant.
    for (const word of ["", "let ", "const "]) {
      const ended = await evaluate(`${word}${name} = ${HIDDEN}.given; void 0`);
      if ("value" in ended) {
        hidden.given = undefined;
        return true;
      }
    }
    hidden.given = undefined;
    return false;
  }

  /** @returns {Promise<{value: any} | {thrown: any} | {stopped: true} | {missing: string}>} */
  async function read(name) {
    const known = await names();
    if (known.includes(name)) return evaluate(name);
    return { missing: known.length ? `there are ${known.join(", ")}` : "no cell has made a variable" };
  }

  async function list() {
    const listed = [];
    for (const name of await names()) {
      const { value, thrown } = await evaluate(name);
      listed.push({ name, ...(thrown === undefined ? kindOf(value) : { type: "without a value", size: "" }) });
    }
    return listed;
  }
  return { names, refusal, bind, read, list };
}

const counted = (count, one) => `${count.toLocaleString("en-US")} ${one}${count === 1 ? "" : "s"}`;

/** @returns {{type: string, size: string}} */
function kindOf(value) {
  if (value === null) return { type: "null", size: "" };
  if (typeof value === "string") return { type: "string", size: counted(value.length, "character") };
  if (typeof value === "function") return { type: /^class\b/.test(source(value)) ? "class" : "function", size: "" };
  if (typeof value !== "object") return { type: typeof value, size: "" };
  const type = className(value);
  if (type === "Frame" && Array.isArray(value.columns) && typeof value.length === "number") return { type, size: `${counted(value.length, "row")} × ${value.columns.length}` };
  if (Array.isArray(value) || ArrayBuffer.isView(value)) return { type, size: counted(value.length ?? value.byteLength, "item") };
  if (value instanceof Map || value instanceof Set) return { type, size: counted(value.size, "item") };
  return { type, size: type === "Object" ? counted(Object.keys(value).length, "property").replace("propertys", "properties") : "" };
}

function source(made) {
  try {
    return realm.Function.prototype.toString.call(made);
  } catch (error) {
    if (error instanceof Error) return "";
    throw error;
  }
}

function className(value) {
  try {
    return value.constructor?.name || "Object";
  } catch {
    return "Object"; // a getter of the cell's own making
  }
}
