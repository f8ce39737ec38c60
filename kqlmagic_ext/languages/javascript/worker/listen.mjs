// What Python asks, line by line.
import fs from "node:fs";

import { Atomics, Int32Array, Promise, SharedArrayBuffer, TextDecoder, TextDecoderStream, URL, Uint8Array, deno, process } from "./own.mjs";

const [ANSWERED, HEARD] = [0, 1];
const STOP = /^\{"op": ?"stop"/;

/** @returns {string} the first line of stdin, after which nothing comes before it is answered */
export function firstLine() {
  const decoder = new TextDecoder();
  const bytes = new Uint8Array(65_536);
  let text = "";
  while (!text.endsWith("\n")) {
    const size = deno ? deno.stdin.readSync(bytes) : fs.readSync(0, bytes);
    if (!size) process.exit(0);
    text += decoder.decode(bytes.subarray(0, size), { stream: true });
  }
  return text;
}

/**
 * @param {string | null} line  the path of the named pipe on which Python asks; null: stdin
 * @param {{request: (line: string) => void, stop: () => void}} on
 * @returns {Promise<{answered: () => void}>} to be told when a request has its answer
 */
export async function listen(line, on) {
  if (deno) {
    read(line === null ? deno.stdin : deno.openSync(line), on);
    return { answered: () => {} };
  }
  const { Worker } = await import("node:worker_threads");
  const counts = new Int32Array(new SharedArrayBuffer(8));
  const ear = new Worker(new URL("./ear.mjs", import.meta.url), { workerData: { counts: counts.buffer, line } });
  let isOpen;
  const open = new Promise((resolve) => (isOpen = resolve)); // Python keeps its end open until the greeting only
  ear.on("message", (message) => {
    if (message === true) return isOpen();
    if (message === null) return process.exit(0);
    if (typeof message === "string") return on.request(message);
    Atomics.store(counts, HEARD, message.stop);
    return on.stop();
  });
  ear.on("error", (error) => {
    throw error;
  });
  await open;
  return { answered: () => Atomics.add(counts, ANSWERED, 1) };
}

/** Deno: what the main thread hears between two pieces of work. */
async function read(source, on) {
  let rest = "";
  for await (const text of source.readable.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop();
    for (const request of lines) {
      if (STOP.test(request)) on.stop();
      else on.request(request);
    }
  }
  deno.exit(0);
}
