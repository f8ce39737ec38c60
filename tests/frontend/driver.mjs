// Runs pieces of JavaScript over frame.js, one a line of stdin: {code, text, bytes} → {value} or {error}, a line of stdout.
// argv: frame.js, Arrow's file. In the code: `frames` has Arrow, `plain` has none; `text`, `bytes` as given.
import { readFileSync } from "node:fs";
import process from "node:process";
import { createInterface } from "node:readline";

const [, , framePath, arrowPath] = process.argv;
const module = { exports: {} };
new Function("module", "exports", readFileSync(arrowPath, "utf8"))(module, module.exports);
const Arrow = module.exports;
const make = (0, eval)(readFileSync(framePath, "utf8"));
const [frames, plain] = [make(Arrow), make(undefined)];

const fromBase64 = (text) => Uint8Array.from(atob(text), (char) => char.charCodeAt(0));
const toBase64 = (bytes) => btoa(Array.from(bytes, (byte) => String.fromCharCode(byte)).join(""));

// What JSON cannot tell is told by a word.
function told(key, value) {
  const raw = this[key];
  if (raw instanceof Date) return { date: raw.getTime() };
  if (raw instanceof Uint8Array) return { base64: toBase64(raw) };
  if (typeof raw === "bigint") return { bigint: String(raw) };
  if (typeof raw === "number" && (!Number.isFinite(raw) || Object.is(raw, -0))) return { number: Object.is(raw, -0) ? "-0" : String(raw) };
  return raw === undefined ? { undefined: true } : value;
}

async function answer({ code, text, bytes }) {
  try {
    const run = new Function("frames", "plain", "Arrow", "text", "bytes", `return (async () => { ${code} })()`);
    return { value: await run(frames, plain, Arrow, text, bytes && fromBase64(bytes)) };
  } catch (error) {
    return { error: `${error.name}: ${error.message}` };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(JSON.stringify(await answer(JSON.parse(line)), told) + "\n");
}
