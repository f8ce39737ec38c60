// The entry, which an older Node.js can read, too: it says which it is.
if (Number(process.versions.node.split(".")[0]) < 20) {
  process.stderr.write(`TOO OLD ${process.versions.node}\n`);
  process.exit(3);
}
import("./main.mjs");
