// A thread that hears Python also while a cell keeps the main thread busy, and then stops it. Node.js only.
//
// What is cut off may be Node.js' own code around a callback. It bears that (tested for timers, ticks, microtasks, immediates,
// files and programs) but for one case: an immediate that is not the first of its turn; then Python ends the process.
import fs from "node:fs";
import inspector from "node:inspector";
import net from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import { parentPort, workerData } from "node:worker_threads";

const STOP = /^\{"op": ?"stop"/;
const PATIENCE_MS = 60;
const STEP_MS = 5;
const FAREWELL_MS = 1000;
const [ANSWERED, HEARD] = [0, 1];

const counts = new Int32Array(workerData.counts);
let asked = 0;
let stops = 0;
let stopping = false;
let waiting = [];

function forward(request) {
  asked += 1;
  parentPort.postMessage(request);
}

/** Wait until the main thread has counted so far, or for a moment. */
async function reaches(place, count) {
  for (let waited = 0; waited < PATIENCE_MS; waited += STEP_MS) {
    if (Atomics.load(counts, place) >= count) return true;
    await sleep(STEP_MS);
  }
  return Atomics.load(counts, place) >= count;
}

/** Ask the main thread to stop; false when it does not listen. Twice, since the end of a busy cell may swallow the first. */
async function isHeard() {
  for (let tries = 0; tries < 2; tries += 1) {
    stops += 1;
    parentPort.postMessage({ stop: stops });
    if (await reaches(HEARD, stops)) return true;
  }
  return false;
}

/** Stop what runs. What is asked meanwhile waits: the end of a busy cell may take the next piece of work with it. */
async function stop() {
  let session = null;
  for (;;) {
    if (await isHeard()) {
      if (await reaches(ANSWERED, asked)) break;
      continue;
    }
    if (!session) {
      session = new inspector.Session();
      session.connectToMainThread();
    }
    await new Promise((resolve) => session.post("Runtime.terminateExecution", resolve));
  }
  session?.disconnect();
}

async function hear(request) {
  if (!STOP.test(request)) {
    if (stopping) waiting.push(request);
    else forward(request);
    return;
  }
  if (stopping || Atomics.load(counts, ANSWERED) >= asked) return;
  stopping = true;
  await stop();
  stopping = false;
  const requests = waiting;
  waiting = [];
  requests.forEach(forward);
}

const { line } = workerData;
const socket = new net.Socket({ fd: line === null ? 0 : fs.openSync(line), readable: true, writable: false });
parentPort.postMessage(true);
let rest = "";
socket.setEncoding("utf8");
socket.on("data", (text) => {
  const lines = (rest + text).split("\n");
  rest = lines.pop();
  lines.forEach(hear);
});
socket.on("end", () => {
  parentPort.postMessage(null);
  setTimeout(() => process.kill(process.pid, "SIGKILL"), FAREWELL_MS);
});
