// A JavaScript process that keeps its variables between cells; Python asks it, one request after the other.
//
// The first line on stdin is `{"mark", "folder", "line", "frame", "arrow"}`: what stands before messages on stdout, the
// notebook's folder, and the paths of the named pipe on which requests come (null: stdin), of frame.js and of Arrow (null where
// it is not built in). The greeting is the answer. With a named pipe, cells and their programs find stdin at its end.
import fs from "node:fs";
import nodeModule from "node:module";

import { belongs, open, send } from "./channel.mjs";
import { complete } from "./complete.mjs";
import { dataOf } from "./data.mjs";
import { described, lateText, nameOf, prepareStacks, refusedText, remember } from "./errors.mjs";
import { evaluate } from "./evaluate.mjs";
import { firstLine, listen } from "./listen.mjs";
import { modulesOf, stripTypes } from "./modules.mjs";
import { damage, isLasting, mend } from "./natives.mjs";
import { JSON, Object, Promise, deno, process, realm } from "./own.mjs";
import { placeOf } from "./places.mjs";
import { CellError, HIDDEN, rewrite } from "./rewrite.mjs";
import { shown, takeOver, writeFor } from "./streams.mjs";
import { variablesOf } from "./variables.mjs";

const STOPPED = { __proto__: null, event: "error", code: "stopped", message: "stopped" };
const hide = (target, name, value, writable = true) =>
  Object.defineProperty(target, name, { value, writable, configurable: writable, enumerable: false });

let data;
let hidden;
let variables;
let stop = () => {};

function start({ mark, folder, frame, arrow }) {
  open(mark);
  takeOver(lateText);
  prepareStacks();
  data = dataOf({ frame, arrow });
  const { at, meta, require } = modulesOf(folder);
  hidden = Object.create(null, {
    at: { value: at },
    meta: { value: meta },
    given: { value: undefined, writable: true },
    thrown: { value: null, writable: true },
  });
  hide(realm, HIDDEN, hidden, false);
  hide(realm, "require", require);
  hide(realm, "_", undefined);
  Object.defineProperty(realm, "Arrow", {
    get: data.arrow,
    set: (value) => hide(realm, "Arrow", value),
    configurable: true,
    enumerable: false,
  });
  variables = variablesOf(hidden);
  return {
    event: "hello",
    runtime: deno ? "Deno" : "Node.js",
    version: deno ? deno.version.deno : process.versions.node,
    typescript: typeof nodeModule.stripTypeScriptTypes === "function",
  };
}

// ---- requests ------------------------------------------------------------------------------------------------------------

const refused = (code, rest) => ({ __proto__: null, event: "error", code, ...rest });

async function run({ code, number, ts }) {
  let cell;
  try {
    cell = { code, ...rewrite(ts ? stripTypes(code) : code, number) };
  } catch (error) {
    if (!(error instanceof CellError)) throw error;
    const place = error.offset === undefined ? {} : placeOf(code, error.offset);
    return refused("failed", { message: error.message, ...place, notes: [] });
  }
  remember(number, cell);
  hidden.thrown = null;
  const ended = await evaluate(`${cell.text}\n//# sourceURL=${nameOf(number)}`);
  const harm = damage();
  if (ended.stopped) return STOPPED;
  if (ended.refused) return refused("failed", refusedText(ended.refused, cell, await variables.names()));
  if ("thrown" in ended) return refused("failed", withHarm(described(ended.thrown, number, hidden.thrown), harm));
  realm._ = ended.value;
  if (harm) return refused("failed", { message: harm, notes: [] });
  return { event: "done", value: ended.value === undefined ? null : shown(ended.value) };
}

/** An error, with what the cell did to JavaScript before. */
const withHarm = (error, harm) => (harm ? { ...error, notes: [...error.notes, harm] } : error);

async function set({ name, ...given }) {
  const why = variables.refusal(name);
  if (why) return refused("bad_name", { message: why });
  const isBound = await variables.bind(name, data.arrived(given));
  return isBound ? { event: "stored" } : refused("bad_name", { message: "is declared so that it takes no value" });
}

async function get({ name, path }) {
  const read = await variables.read(name);
  if (read.stopped) return STOPPED;
  if (read.missing) return refused("no_variable", { message: read.missing });
  if ("thrown" in read) return refused("no_variable", { message: "it was declared, and never got a value" });
  try {
    return { event: "got", ...data.leaving(read.value, name, path) };
  } catch (error) {
    return refused("get_failed", { message: error.message });
  }
}

const OPERATIONS = {
  run,
  set,
  get,
  complete: async ({ before }) => ({ event: "completions", ...(await complete(before, variables, hidden)) }),
  variables: async () => ({ event: "variables", variables: await variables.list() }),
};

// ---- one request after the other -------------------------------------------------------------------------------------------
//
// Not as a chain of promises: the end of a busy cell drops all microtasks that wait, and a link of the chain could be one.

const requests = [];
let isBusy = false;

function ask(line) {
  mend();
  requests.push(parsed(line));
  if (!isBusy) next();
}

/** A line may have been cut, when Python was interrupted while it wrote: then nobody knows what else is missing. */
function parsed(line) {
  try {
    return JSON.parse(line);
  } catch (error) {
    fs.writeSync(2, `a request was no JSON: ${error.message}\n`);
    return process.exit(4);
  }
}

function next() {
  const request = requests.shift();
  isBusy = request !== undefined;
  if (isBusy) act(request);
}

async function act(request) {
  if (request.op === "bye") process.exit(0);
  await answer(request);
  ear.answered();
  next();
}

async function answer({ op, id, ...fields }) {
  const isRun = op === "run";
  if (isRun) {
    belongs(id);
    writeFor(id);
  }
  const reply = await new Promise((resolve) => {
    stop = () => resolve(STOPPED);
    work(op, fields, resolve);
  });
  stop = () => {};
  mend();
  const ends = isLasting(); // the inspector would not answer
  const names = isRun && !ends ? await variables.names() : undefined;
  writeFor(null);
  send({ ...reply, id, names, ends }, isRun);
}

async function work(op, fields, resolve) {
  try {
    if (isLasting()) resolve(refused("failed", { message: damage() ?? "the session has ended", notes: [] }));
    else resolve(await OPERATIONS[op](fields));
  } catch (error) {
    resolve(refused("internal", { message: `${error.stack ?? error}` }));
  }
}

const settings = JSON.parse(firstLine());
const greeting = start(settings);
const ear = await listen(settings.line, { request: ask, stop: () => stop() });
send(greeting);
