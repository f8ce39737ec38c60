// Messages to Python: lines of stdout behind a mark that nobody can guess, so that whatever else is written there is plain text.
//
//   MARK . {json}          a message
//   MARK ( MARK + MARK )   a longer one in pieces: each line is short enough to be written in one go, also beside other writers
//   MARK @ 5               plain text belongs to request 5 from here; without a number, to none
import fs from "node:fs";

import { jsonOf, uncurried } from "./natives.mjs";
import { Atomics, Int32Array, SharedArrayBuffer, TextEncoder, Uint8Array, deno } from "./own.mjs";

const PIECE = 3900; // with two marks less than a pipe takes at once, 4096
const encoder = new TextEncoder();
// A cell may write after it has changed what it likes, also of Node.js.
const { writeSync } = fs;
const { wait } = Atomics;
const encode = uncurried(encoder.encode);
const part = uncurried(Uint8Array.prototype.subarray);
const put = uncurried(Uint8Array.prototype.set);
const nap = new Int32Array(new SharedArrayBuffer(4));
let mark = "";

/** @param {string} given  the mark of this session */
export function open(given) {
  mark = given;
}

/** Write to stdout; returns when the bytes are out: who reads slowly slows the cell, and fills no memory. */
function write(bytes) {
  let start = 0;
  while (start < bytes.length) {
    try {
      const rest = part(bytes, start);
      start += deno ? deno.stdout.writeSync(rest) : writeSync(1, rest);
    } catch (error) {
      if (error.code !== "EAGAIN") throw error;
      wait(nap, 0, 0, 1); // a program of the cell has made the pipe impatient
    }
  }
}

/** The line of a letter and a body. */
function line(letter, body) {
  const start = encode(encoder, mark + letter);
  const whole = new Uint8Array(start.length + body.length + 1);
  put(whole, start);
  put(whole, body, start.length);
  whole[whole.length - 1] = 10;
  return whole;
}

/**
 * @param {object} message  with its `event`
 * @param {boolean} isLast  whether what is written from here on belongs to no request
 */
export function send(message, isLast = false) {
  const bytes = encode(encoder, jsonOf(message));
  const end = isLast ? line("@", new Uint8Array(0)) : new Uint8Array(0);
  if (bytes.length <= PIECE) return write(joined(end, line(".", bytes)));
  write(end);
  for (let start = 0; start < bytes.length; start += PIECE) {
    const letter = start === 0 ? "(" : start + PIECE >= bytes.length ? ")" : "+";
    write(line(letter, part(bytes, start, start + PIECE)));
  }
  return undefined;
}

function joined(first, second) {
  const whole = new Uint8Array(first.length + second.length);
  put(whole, first);
  put(whole, second, first.length);
  return whole;
}

/** Tell to which request belongs what is written from here on. */
export function belongs(id) {
  write(line("@", encode(encoder, id)));
}
