// Places in a text: offsets, and lines with columns. All are counted from 0, in UTF-16 units.

/** @returns {number} */
export function offsetOf(text, line, column) {
  let start = 0;
  for (let seen = 0; seen < line; seen += 1) {
    const end = text.indexOf("\n", start);
    if (end < 0) break;
    start = end + 1;
  }
  return start + column;
}

/** @returns {{line: number, column: number, source: string}} as people count: from 1, an emoji is one column */
export function placeOf(text, offset) {
  const before = text.slice(0, offset);
  const start = before.lastIndexOf("\n") + 1;
  const end = text.indexOf("\n", start);
  const source = text.slice(start, end < 0 ? text.length : end).replace(/\r$/, "");
  return { line: before.split("\n").length, column: [...before.slice(start)].length + 1, source };
}
