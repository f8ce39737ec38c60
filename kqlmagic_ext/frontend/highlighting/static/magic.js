// Which language a cell speaks: what its magic line says.

const LANGUAGES = {
  kql: "kql",
  powershell: "powershell",
  pwsh: "powershell",
  node: "javascript",
  browser: "javascript",
  javascript: "javascript",
  js: "javascript",
};
// As IPython reads it: blank lines and indentation before it do not count, and its name ends at a space.
const HEAD = /^\s*(%%(\w+)(?: .*|\s*))$/;
const WINDOW = 1000;

/**
 * @typedef {{language: string, from: number, to: number}} MagicLine  the language, and where the line stands
 *
 * @param {(from: number, to: number) => string} read  a piece of the cell's text
 * @param {number} length
 * @returns {MagicLine|null}  null: the cell speaks what its notebook speaks
 */
export function findMagicLine(read, length) {
  const head = readHead(read, length);
  const [, line, name] = HEAD.exec(head) ?? [];
  if (!Object.hasOwn(LANGUAGES, name ?? "")) return null;
  const isTypeScript = name === "node" && /\s--ts(?:\s|$)/.test(line);
  return { language: isTypeScript ? "typescript" : LANGUAGES[name], from: head.length - line.length, to: head.length };
}

// The text up to the end of its first line that is not blank: a long cell is not read as a whole for it.
function readHead(read, length) {
  for (let end = WINDOW; ; end *= 4) {
    const text = read(0, Math.min(end, length));
    if (end >= length || /\S.*\n/.test(text)) return /^\s*.*/.exec(text)[0];
  }
}
