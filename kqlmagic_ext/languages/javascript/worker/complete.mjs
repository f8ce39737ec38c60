// What may stand at the cursor: names, and the properties of what a path of names leads to. Nothing is run that has an effect.
import { inspect } from "./evaluate.mjs";
import { Array, Object, Set, realm } from "./own.mjs";
import { HIDDEN } from "./rewrite.mjs";
import { tokenize } from "./tokens.mjs";

const PATH = /(?<path>(?:[\p{ID_Start}$_][\p{ID_Continue}$]*\??\.)*)(?<start>[\p{ID_Continue}$]*)$/u;
const WORDS = "async await break case catch class const continue default delete do else finally for function if import in instanceof let new of return switch throw try typeof var void while yield".split(" ");
const MOST = 500;
const IDENTIFIER = /^[\p{ID_Start}$_][\p{ID_Continue}$\u200c\u200d]*$/u;

/**
 * @param {string} before  the cell up to the cursor
 * @param {{names: () => Promise<string[]>}} variables
 * @returns {Promise<{size: number, found: {text: string, kind: string}[]}>} `size`: of the start that is there, in characters
 */
export async function complete(before, variables, hidden) {
  const { path, start } = PATH.exec(before).groups;
  const nothing = { size: 0, found: [] };
  const head = before.slice(0, before.length - path.length - start.length);
  if (!isCode(before) || /[.\])]$/.test(head)) return nothing;
  const all = path ? await properties(path.replace(/\??\.$/, ""), hidden) : await names(variables);
  const wanted = all.filter(({ text }) => text.toLowerCase().startsWith(start.toLowerCase()));
  return { size: Array.from(start).length, found: wanted.slice(0, MOST) };
}

/** Whether the end of a text is neither in a string nor in a comment. */
function isCode(before) {
  const text = before.trimEnd();
  return text === "" || tokenize(`${before}$`).at(-1)?.end === before.length + 1;
}

async function names(variables) {
  const own = await variables.names();
  const given = Object.getOwnPropertyNames(realm).filter((name) => IDENTIFIER.test(name) && name !== HIDDEN);
  const kinds = [
    ...own.map((text) => ({ text, kind: "variable" })),
    ...WORDS.map((text) => ({ text, kind: "keyword" })),
    ...given.map((text) => ({ text, kind: kindOf(Object.getOwnPropertyDescriptor(realm, text)) })),
  ];
  const seen = new Set();
  return kinds.filter(({ text }) => !seen.has(text) && seen.add(text));
}

async function properties(path, hidden) {
  const value = await inspect(path, hidden);
  const found = [];
  const seen = new Set();
  for (let owner = value ?? null; owner !== null; owner = Object.getPrototypeOf(owner)) {
    const isEnd = Object.getPrototypeOf(Object(owner)) === null && owner !== value; // what every object has
    if (isEnd) break;
    for (const text of Object.getOwnPropertyNames(owner)) {
      if (!IDENTIFIER.test(text) || text === "constructor" || seen.has(text)) continue;
      seen.add(text);
      found.push({ text, kind: kindOf(Object.getOwnPropertyDescriptor(owner, text)) });
    }
  }
  return found;
}

const kindOf = (descriptor) => (typeof descriptor?.value === "function" ? "function" : "property");
