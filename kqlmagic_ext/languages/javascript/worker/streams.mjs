// What a cell writes: console, process.stdout and process.stderr give records, at once and in order.
import { Readable, Writable } from "node:stream";
import { StringDecoder } from "node:string_decoder";
import util from "node:util";

import { send } from "./channel.mjs";
import { Buffer, Object, deno, process, realm } from "./own.mjs";

const { Console } = deno ? await import("node:console") : realm.console;
const MOST_CHARACTERS = 100_000;
const SHOWN = { depth: 4, maxArrayLength: 100, maxStringLength: 10_000, breakLength: 100 };

let request = null; // the number of the request that runs

/** What is written from here on belongs to a request; null: to none. */
export function writeFor(id) {
  request = id;
}

function record(stream, text) {
  if (text) send({ event: "record", id: request, stream, text });
}

/**
 * A stream of the process that gives records; its number, so that it may be handed to a child process. It keeps nothing
 * back and has no state: a cell may be stopped in the middle of a write.
 */
function recorder(stream, number) {
  const decoder = new StringDecoder("utf8"); // a character may come in two pieces
  const made = new Writable();
  made.write = (chunk, encoding, callback) => {
    const isEncoded = typeof chunk === "string" && Buffer.isEncoding(encoding) && !/^utf-?8$/i.test(encoding);
    const given = isEncoded ? Buffer.from(chunk, encoding) : chunk;
    record(stream, typeof given === "string" ? given : decoder.write(given));
    const written = typeof encoding === "function" ? encoding : callback;
    if (written) process.nextTick(written);
    return true;
  };
  made.end = (...last) => {
    if (last.length && typeof last[0] !== "function") made.write(...last);
    return made;
  };
  made.fd = number;
  made.isTTY = false;
  return made;
}

const stdout = recorder("stdout", 1);
const stderr = recorder("stderr", 2);

/**
 * Let cells write here, and read nothing: stdin is the worker's.
 * @param {(thrown: any) => string} lateText  what is said of an error that nobody caught
 */
export function takeOver(lateText) {
  const own = new Console({ stdout, stderr, colorMode: false });
  for (const [name, method] of Object.entries(own)) if (typeof method === "function") realm.console[name] = method;
  const stdin = Readable.from([]);
  for (const [name, value] of Object.entries({ stdin, stdout, stderr })) {
    Object.defineProperty(process, name, { value, configurable: true, enumerable: true, writable: true });
  }
  const late = (error) => record("stderr", lateText(error));
  process.on("unhandledRejection", late);
  if (process.setUncaughtExceptionCaptureCallback && !deno) process.setUncaughtExceptionCaptureCallback(late);
  else process.on("uncaughtException", late);
  process.on("SIGINT", () => {}); // for the programs that a cell has started; the cell itself is stopped by a message
}

/** @returns {string} a value as it is shown; text as it is */
export function shown(value) {
  const text = typeof value === "string" ? value : inspected(value);
  const more = text.length - MOST_CHARACTERS;
  return more > 0 ? `${text.slice(0, MOST_CHARACTERS)}… (${more.toLocaleString("en-US")} characters more)` : text;
}

function inspected(value) {
  try {
    return util.inspect(value, SHOWN);
  } catch (error) {
    return `[a value that cannot be shown: ${util.inspect(error, { customInspect: false })}]`;
  }
}
