// Messages to Python: lines of stdout behind a mark that nobody can guess, so that whatever else is written there is plain text.
//
//   MARK . {json}          a message
//   MARK ( MARK + MARK )   a longer one in pieces: each line is short enough to be written in one go, also beside other writers
//   MARK @ 5               plain text belongs to request 5 from here; without a number, to none. Also on stderr.
import fs from "node:fs";

import { Atomics, Int32Array, JSON, SharedArrayBuffer, TextEncoder, deno } from "./own.mjs";

const PIECE = 3900; // with the mark less than a pipe takes at once, 4096
const encoder = new TextEncoder();
const nap = new Int32Array(new SharedArrayBuffer(4));
let mark = "";

/** @param {string} given  the mark of this session */
export function open(given) {
  mark = given;
}

/** Write to stdout (1) or stderr (2); returns when the bytes are out: who reads slowly slows the cell, and fills no memory. */
function write(stream, bytes) {
  let start = 0;
  while (start < bytes.length) {
    try {
      const rest = bytes.subarray(start);
      start += deno ? [deno.stdout, deno.stderr][stream - 1].writeSync(rest) : fs.writeSync(stream, rest);
    } catch (error) {
      if (error.code !== "EAGAIN") throw error;
      Atomics.wait(nap, 0, 0, 1); // a program of the cell has made the pipe impatient
    }
  }
}

const head = (kind) => encoder.encode(mark + kind);

function line(kind, bytes) {
  const start = head(kind);
  const whole = new start.constructor(start.length + bytes.length + 1);
  whole.set(start);
  whole.set(bytes, start.length);
  whole[whole.length - 1] = 10;
  write(1, whole);
}

/** @param {object} message  with its `event` */
export function send(message) {
  const bytes = encoder.encode(JSON.stringify(message));
  if (bytes.length <= PIECE) return line(".", bytes);
  for (let start = 0; start < bytes.length; start += PIECE) {
    const isLast = start + PIECE >= bytes.length;
    line(start === 0 ? "(" : isLast ? ")" : "+", bytes.subarray(start, start + PIECE));
  }
  return undefined;
}

/** Tell to which request belongs what is written from here on: a number, or "" for none. */
export function belongs(id) {
  const bytes = encoder.encode(`${mark}@${id}\n`);
  write(1, bytes);
  write(2, bytes);
}
