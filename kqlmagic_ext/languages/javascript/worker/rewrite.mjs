// A cell's text as the inspector can run it, on the same lines: `import` becomes a call, and a `throw` tells its place.
import { JSON, Set, deno } from "./own.mjs";
import { tokenize } from "./tokens.mjs";

/** The only name of the worker that cells can see. */
export const HIDDEN = "__kqlmagic_ext__";

const EXPORTED = new Set(["default", "const", "let", "var", "function", "class", "async", "{", "*", "enum", "type", "interface"]);

/** An error at a place of the cell, which was found before it ran. */
export class CellError {
  /** @param {string} message @param {number} [offset]  where, in UTF-16 units */
  constructor(message, offset) {
    this.message = message;
    this.offset = offset;
  }
}

// Deno breaks when a cell ends it in the inspector's call itself; behind an await it is in a call of its own.
const FIRST = deno ? [{ start: 0, end: 0, text: "await void 0; " }] : [];

/**
 * @param {number} number  the cell's: an `import` tells it, and its place, since its errors know neither
 * @returns {{text: string, origin: (offset: number) => number}} the text to run, and where a place of it stood in the cell
 */
export function rewrite(code, number) {
  const edits = FIRST.map((edit) => ({ ...edit }));
  if (/import|export|throw/.test(code)) edits.push(...editsOf(code, tokenize(code), number));
  let text = "";
  let at = 0;
  for (const edit of edits) {
    text += code.slice(at, edit.start);
    edit.from = text.length;
    text += edit.text;
    edit.to = text.length;
    at = edit.end;
  }
  return { text: text + code.slice(at), origin: (offset) => originOf(edits, offset) };
}

function originOf(edits, offset) {
  let shift = 0;
  for (const edit of edits) {
    if (offset < edit.from) break;
    if (offset < edit.to) return edit.start;
    shift = edit.end - edit.to;
  }
  return offset + shift;
}

function editsOf(code, tokens, number) {
  const edits = [];
  const isMarked = !tokens.some((token) => token.text === "catch"); // else a mark may be of a throw that was caught
  tokens.forEach((token, place) => {
    if (token.kind !== "word" || token.isProperty) return;
    if (token.text === "export") refuseExport(tokens, place);
    const edit =
      (token.text === "import" && importEdit(code, tokens, place, number)) ||
      (token.text === "throw" && isMarked && throwEdit(code, tokens, place));
    if (edit) edits.push(edit);
  });
  return edits;
}

/** What is thrown need not be an Error, which alone knows its place. The text of functions stays as it is. */
function throwEdit(code, tokens, place) {
  const { start, end, isInFunction } = tokens[place];
  const after = tokens[place + 1];
  if (isInFunction || !after || code.slice(end, after.start).includes("\n")) return null;
  const isName = [":", "=", ",", "}", ")", ";"].includes(after.text) || (after.text === "(" && isMethod(tokens, after));
  return isName ? null : { start: end, end, text: ` ${HIDDEN}.thrown = ${start}, ` };
}

const isMethod = (tokens, opening) => opening.partner !== undefined && tokens[opening.partner + 1]?.text === "{";

function refuseExport(tokens, place) {
  if (tokens[place].depth || !EXPORTED.has(tokens[place + 1]?.text)) return;
  throw new CellError("a cell exports nothing: leave out `export`, its names are there in every later cell", tokens[place].start);
}

function importEdit(code, tokens, place, number) {
  const { start, end, depth } = tokens[place];
  const here = `${HIDDEN}.at(${number}, ${start})`;
  const after = tokens[place + 1];
  if (after?.text === "(") {
    return isMethod(tokens, after) ? null : { start, end, text: `${here}.load` };
  }
  if (after?.text === "." && tokens[place + 2]?.text === "meta") {
    return { start, end: tokens[place + 2].end, text: `${HIDDEN}.meta` };
  }
  const found = depth === 0 ? parseImport(code, tokens, place + 1) : null;
  if (!found) return null;
  const lines = code.slice(start, found.end).replace(/[^\n]/g, "");
  return { start, end: found.end, text: `${statement(found, here)};${lines}` };
}

/** The parts of an `import` declaration behind its first word; null for anything else. */
function parseImport(code, tokens, first) {
  let at = first;
  const is = (text) => tokens[at]?.kind !== "string" && tokens[at]?.text === text;
  const found = { names: [], namespace: null, specifier: "", options: "undefined", end: 0 };

  if (tokens[at]?.kind !== "string") {
    if (tokens[at]?.kind === "word") {
      found.names.push(["default", tokens[at].text]);
      at += 1;
      if (is(",")) at += 1;
      else if (!is("from")) return null;
    }
    if (is("*")) {
      if (tokens[at + 1]?.text !== "as") return null;
      found.namespace = tokens[at + 2]?.text;
      at += 3;
    } else if (is("{")) {
      const names = parseNames(tokens, at);
      if (!names) return null;
      found.names.push(...names);
      at = tokens[at].partner + 1;
    }
    if (!is("from")) return null;
    at += 1;
  }
  if (tokens[at]?.kind !== "string") return null;
  found.specifier = tokens[at].text;
  at += 1;
  if ((is("with") || is("assert")) && tokens[at + 1]?.text === "{" && tokens[at + 1].partner) {
    const closing = tokens[tokens[at + 1].partner];
    found.options = `{with: ${code.slice(tokens[at + 1].start, closing.end)}}`;
    at = tokens[at + 1].partner + 1;
  }
  found.end = is(";") ? tokens[at].end : tokens[at - 1].end;
  return found;
}

/** The pairs of exported and local names between braces; null when they are none. */
function parseNames(tokens, opening) {
  const names = [];
  const closing = tokens[opening].partner;
  if (!closing) return null;
  let at = opening + 1;
  while (at < closing) {
    const exported = tokens[at];
    if (exported.kind !== "word" && exported.kind !== "string") return null;
    const isRenamed = tokens[at + 1].text === "as" && at + 1 < closing;
    const local = isRenamed ? tokens[at + 2] : exported;
    if (local.kind !== "word") return null;
    names.push([exported.text, local.text]);
    at += isRenamed ? 3 : 1;
    if (at < closing && tokens[at].text !== ",") return null;
    at += 1;
  }
  return names;
}

function statement({ names, namespace, specifier, options }, here) {
  const wanted = names.map(([exported]) => (/^["']/.test(exported) ? exported : JSON.stringify(exported)));
  const module = `await ${here}.module(${specifier}, [${wanted.join(", ")}], ${options})`;
  const pattern = `{${names.map(([, local], place) => `${wanted[place]}: ${local}`).join(", ")}}`;
  if (namespace) return `const ${namespace} = ${module}${names.length ? `, ${pattern} = ${namespace}` : ""}`;
  return names.length ? `const ${pattern} = ${module}` : module;
}
