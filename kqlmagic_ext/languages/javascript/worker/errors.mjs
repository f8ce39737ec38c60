// Errors as an analyst reads them: what was thrown, and where in which cell.
import util from "node:util";

import { Array, Error, Map, Number, String, URL, WeakMap, realm } from "./own.mjs";
import { offsetOf, placeOf } from "./places.mjs";
import { tokenize } from "./tokens.mjs";
import { shown } from "./streams.mjs";

const WORKER = new URL(".", import.meta.url).href;
const INSPECTOR = /^(?:node:inspector|ext:deno_node\/inspector)/;
const IN_CELL = /(?:^|[\s(])cell-(\d+)\.js:(\d+):(\d+)/;
const ONLY_HERE = /(?:\nRequire stack:\n- | imported from ).*[/\\]cell\.mjs$/m; // Node.js's way to say that the cell asked
const MOST_FRAMES = 8;
const MOST_CELLS = 1000;

const cells = new Map(); // number → its code, and what it became
const imports = new WeakMap(); // error → the import that failed

/** @param {{code: string, text: string, origin: (offset: number) => number}} cell */
export function remember(number, cell) {
  cells.set(number, cell);
  cells.delete(number - MOST_CELLS);
}

/** @returns {any} the error of an import, whose place is remembered: its stack may not tell it */
export function importedAt(error, number, offset) {
  if (util.types.isNativeError(error)) imports.set(error, { number, offset });
  return error;
}

/** @returns {string} the name under which a cell's frames stand in a stack */
export const nameOf = (number) => `cell-${number}.js`;

/** Let stacks name cells (Deno calls them <anonymous>), and end where the worker begins. */
export function prepareStacks() {
  realm.Error.prepareStackTrace = (error, sites) => {
    const lines = [head(error)];
    for (const site of sites) {
      const script = site.getScriptNameOrSourceURL() ?? "";
      if (INSPECTOR.test(script)) break;
      if (script.startsWith(WORKER)) continue;
      lines.push(`    at ${/^cell-\d+\.js$/.test(script) ? String(site).replace("<anonymous>:", `${script}:`) : site}`);
    }
    return lines.join("\n");
  };
}

function head(error) {
  try {
    return Error.prototype.toString.call(error);
  } catch {
    return "an error whose message cannot be read";
  }
}

/**
 * @param {number | null} at  where in the cell the last `throw` stood, if it is known
 * @returns {{message: string, line?: number, column?: number, source?: string, notes: string[]}} of what a cell threw
 */
export function described(thrown, number, at) {
  if (!util.types.isNativeError(thrown) && !(thrown instanceof Error)) {
    const place = at === null ? {} : placeOf(cells.get(number).code, at);
    return { message: `Uncaught ${shown(thrown)}`, ...place, notes: [] };
  }
  const frames = framesOf(thrown);
  const here = frames.find((frame) => frame.number === number);
  const message = head(thrown).replace(ONLY_HERE, "") + elsewhere(frames[0], number);
  const imported = imports.get(thrown);
  const place = imported?.number === number ? placeOf(cells.get(number).code, imported.offset) : here?.place;
  return { message, ...place, notes: [...way(frames), ...causes(thrown)] };
}

/** @returns {string} what is said of an error that came too late for its cell: the next one may run, so that it says of which it is */
export function lateText(thrown) {
  if (!util.types.isNativeError(thrown)) return `Uncaught ${shown(thrown)}\n`;
  const places = framesOf(thrown).slice(0, MOST_FRAMES).map(({ number, name, place }) =>
    `    ${name ?? "cell"}: line ${place.line}, column ${place.column} below the magic of cell ${number} of this session: ${place.source.trim()}`);
  return `${[`Uncaught ${head(thrown)}`, ...places, ...causes(thrown)].join("\n")}\n`;
}

/** The frames of a stack that stand in cells. */
function framesOf(error) {
  const stack = `${attempt(() => error.stack) ?? ""}`;
  const start = head(error);
  const lines = (stack.startsWith(start) ? stack.slice(start.length) : stack).split("\n");
  return lines.map(frameOf).filter((frame) => frame !== null);
}

function frameOf(line) {
  const found = /^\s+at /.test(line) ? IN_CELL.exec(line) : null;
  const cell = found ? cells.get(Number(found[1])) : undefined;
  if (!cell) return null;
  const place = cellPlace(cell, Number(found[2]) - 1, Number(found[3]) - 1);
  const name = /^\s+at (?:async )?(.+?) \(/.exec(line)?.[1] ?? null;
  return { number: Number(found[1]), name, place };
}

/** @returns {{line: number, column: number, source: string}} where a place of the text that ran stood in its cell */
export function cellPlace(cell, line, column) {
  return placeOf(cell.code, cell.origin(offsetOf(cell.text, line, column)));
}

/** What to say of an error that was thrown by code of an earlier cell. */
function elsewhere(frame, number) {
  if (!frame || frame.number === number) return "";
  const where = frame.name ? `in ${frame.name} of` : "in";
  return ` (${where} an earlier cell, number ${frame.number} of this session: ${frame.place.source.trim()})`;
}

/** The way to the error, from its place outwards; without line numbers, which the notebook counts in its own way. */
function way(frames) {
  if (frames.length < 2) return [];
  const lines = frames.slice(0, MOST_FRAMES).map(({ name, place }) => `    ${name ?? "cell"}: ${place.source.trim()}`);
  return frames.length > MOST_FRAMES ? [...lines, `    … and ${frames.length - MOST_FRAMES} more`] : lines;
}

function causes(error) {
  const errors = attempt(() => error.errors);
  const cause = attempt(() => error.cause);
  const inner = [...(Array.isArray(errors) ? errors.slice(0, MOST_FRAMES) : []), ...(cause === undefined ? [] : [cause])];
  return inner.map((one) => `caused by ${util.types.isNativeError(one) ? head(one) : shown(one)}`);
}

function attempt(read) {
  try {
    return read();
  } catch {
    return undefined; // a getter of the cell's own making
  }
}

/** What the inspector says of a cell that is no JavaScript. */
export function refusedText(refused, cell, known) {
  const twice = /Identifier '(.+)' has already been declared/.exec(refused.message)?.[1];
  if (twice === undefined || !known.includes(twice)) {
    return { message: refused.message, ...cellPlace(cell, refused.line, refused.column), notes: [] };
  }
  const hint = "an earlier cell declared it with another word; use the same (let, const, class, var or function), or only assign to it";
  const offset = declarationOf(twice, cell.code);
  return { message: `${refused.message}: ${hint}`, ...(offset === null ? {} : placeOf(cell.code, offset)), notes: [] };
}

function declarationOf(name, code) {
  const tokens = tokenize(code);
  const words = ["let", "const", "class", "var", "function"];
  const found = tokens.find((token, place) => token.text === name && words.includes(tokens[place - 1]?.text));
  return found?.start ?? null;
}
