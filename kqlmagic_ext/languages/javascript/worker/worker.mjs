// The entry, which an older Node.js can read, too: it says which it is.
if (Number(process.versions.node.split(".")[0]) < 20) {
  process.stderr.write(`TOO OLD ${process.versions.node}\n`);
  process.exit(3);
}
// Node.js makes pipes non-blocking as soon as anything looks at these, also its own modules. The programs of a cell would inherit
// that, and few of them expect it. streams.mjs puts others in their place.
["stdin", "stdout", "stderr"].forEach((name, fd) => {
  Object.defineProperty(process, name, { value: { fd, isTTY: false }, configurable: true, enumerable: true, writable: true });
});
import("./main.mjs");
