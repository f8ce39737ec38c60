// What Python asks, line by line.
import process from "node:process";

import { Atomics, Int32Array, SharedArrayBuffer, TextDecoderStream, URL, deno } from "./own.mjs";

const [ANSWERED, HEARD] = [0, 1];

/**
 * @param {{request: (line: string) => void, stop: () => void}} on
 * @returns {Promise<{answered: () => void}>} to be told when a request has its answer
 */
export async function listen(on) {
  if (deno) {
    read(on);
    return { answered: () => {} };
  }
  const { Worker } = await import("node:worker_threads");
  const counts = new Int32Array(new SharedArrayBuffer(8));
  const ear = new Worker(new URL("./ear.mjs", import.meta.url), { workerData: counts.buffer });
  ear.on("message", (message) => {
    if (message === null) return process.exit(0);
    if (typeof message === "string") return on.request(message);
    Atomics.store(counts, HEARD, message.stop);
    return on.stop();
  });
  ear.on("error", (error) => {
    throw error;
  });
  return { answered: () => Atomics.add(counts, ANSWERED, 1) };
}

/** Deno: what the main thread hears between two pieces of work. */
async function read(on) {
  let rest = "";
  for await (const text of deno.stdin.readable.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split("\n");
    rest = lines.pop();
    for (const line of lines) {
      if (/^\{"op": ?"stop"/.test(line)) on.stop();
      else on.request(line);
    }
  }
  deno.exit(0);
}
