// A JavaScript process that keeps its variables between cells; Python asks it, one request after the other.
//
// The first line from Python is `{"mark", "folder", "frame", "arrow"}`: what stands before messages on stdout, the notebook's
// folder, and the paths of frame.js and of Arrow (null where it is not built in). The greeting is the answer.
import nodeModule from "node:module";
import process from "node:process";

import { belongs, open, send } from "./channel.mjs";
import { dataOf } from "./data.mjs";
import { cellPlace, described, nameOf, prepareStacks, refusedText, remember } from "./errors.mjs";
import { evaluate } from "./evaluate.mjs";
import { listen } from "./listen.mjs";
import { modulesOf, stripTypes } from "./modules.mjs";
import { JSON, Object, Promise, deno, realm } from "./own.mjs";
import { placeOf } from "./places.mjs";
import { CellError, HIDDEN, rewrite } from "./rewrite.mjs";
import { shown, takeOver, writeFor } from "./streams.mjs";
import { variablesOf } from "./variables.mjs";

const STOPPED = { event: "error", code: "stopped", message: "stopped" };
const hide = (target, name, value, writable = true) =>
  Object.defineProperty(target, name, { value, writable, configurable: writable, enumerable: false });

let data;
let variables;
let stop = () => {};

function start({ mark, folder, frame, arrow }) {
  open(mark);
  takeOver();
  prepareStacks();
  data = dataOf({ frame, arrow });
  const { load, module, meta, require } = modulesOf(folder);
  const hidden = Object.create(null, {
    load: { value: load },
    module: { value: module },
    meta: { value: meta },
    given: { value: undefined, writable: true },
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

const refused = (code, rest) => ({ event: "error", code, ...rest });

async function run({ code, number, ts }) {
  let cell;
  try {
    cell = { code, ...rewrite(ts ? stripTypes(code) : code) };
  } catch (error) {
    if (!(error instanceof CellError)) throw error;
    const place = error.offset === undefined ? {} : placeOf(code, error.offset);
    return refused("failed", { message: error.message, ...place, notes: [] });
  }
  remember(number, cell);
  const ended = await evaluate(`${cell.text}\n//# sourceURL=${nameOf(number)}`);
  if (ended.stopped) return STOPPED;
  if (ended.refused) return refused("failed", refusedText(ended.refused, cell, await variables.names()));
  if ("thrown" in ended) return refused("failed", described(ended.thrown, number));
  realm._ = ended.value;
  return { event: "done", value: ended.value === undefined ? null : shown(ended.value) };
}

async function set({ name, ...given }) {
  const why = variables.refusal(name);
  if (why) return refused("bad_name", { message: why });
  await variables.bind(name, data.arrived(given));
  return { event: "stored" };
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
  variables: async () => ({ event: "variables", variables: await variables.list() }),
};

// ---- one request after the other -------------------------------------------------------------------------------------------

async function answer(request) {
  const isRun = request.op === "run";
  if (isRun) {
    belongs(request.id);
    writeFor(request.id);
  }
  const stopped = new Promise((resolve) => {
    stop = () => resolve(STOPPED);
  });
  const work = OPERATIONS[request.op](request).catch((error) => refused("internal", { message: `${error.stack ?? error}` }));
  const reply = await Promise.race([work, stopped]);
  stop = () => {};
  const names = isRun ? await variables.names() : undefined;
  if (isRun) {
    belongs("");
    writeFor(null);
  }
  send({ ...reply, id: request.id, names });
}

let turn = null; // the requests before
let ready = null;

function ask(line) {
  const request = JSON.parse(line);
  turn = turn === null ? begin(request) : turn.then(() => act(request));
}

async function begin(settings) {
  send(start(settings));
  (await ready).answered();
}

async function act(request) {
  if (request.op === "bye") process.exit(0);
  await answer(request);
  (await ready).answered();
}

ready = listen({ request: ask, stop: () => stop() });
