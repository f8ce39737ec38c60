// Values from Python and back. frame.js, and Arrow where it is built in, are loaded when the first value crosses.
import fs from "node:fs";

import { Uint8Array, compile } from "./own.mjs";

const MOST_INLINE = 65_536;

/** @param {{frame: string, arrow: string | null}} paths  of the two scripts */
export function dataOf(paths) {
  const once = (make) => {
    let made;
    return () => (made ??= { value: make() }).value;
  };
  const arrow = once(() => (paths.arrow ? commonJs(paths.arrow) : undefined));
  const frames = once(() => compile(["Arrow"], `const make = ${textOf(paths.frame)};\nreturn make(Arrow);`)(arrow()));

  /** @param {{arrow?: string, path?: string, json?: string}} given  a path of Arrow, of an envelope, or an envelope */
  function arrived(given) {
    return given.arrow ? frames().fromArrow(bytesOf(given.arrow)) : frames().fromEnvelope(given.json ?? textOf(given.path));
  }

  /** @param {string} path  of the file that is made for a table or for something long */
  function leaving(value, name, path) {
    const encoded = frames().encode(value, name);
    if (encoded.arrow) {
      fs.writeFileSync(path, encoded.arrow);
      return { arrow: true };
    }
    if (encoded.json.length <= MOST_INLINE) return { json: encoded.json };
    fs.writeFileSync(path, encoded.json);
    return {};
  }
  return { arrow, frames, arrived, leaving };
}

const textOf = (path) => fs.readFileSync(path, "utf8");

function bytesOf(path) {
  const bytes = fs.readFileSync(path);
  return new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function commonJs(path) {
  const module = { exports: {} };
  compile(["module", "exports"], textOf(path))(module, module.exports);
  return module.exports;
}
