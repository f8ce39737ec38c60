// KQL as CodeMirror's StreamLanguage reads it: line by line, a token at a time, with a few words of memory.

const words = (text) => new Set(text.trim().split(/\s+/));

// Behind a pipe, and where a query begins, these and no others are operators.
const OPERATORS = words(`
  as assert-schema consume count distinct evaluate extend facet filter find fork getschema graph-mark-components
  graph-match graph-shortest-paths graph-to-table invoke join limit lookup macro-expand make-graph make-series mv-apply
  mv-expand mvapply mvexpand order parse parse-kv parse-where partition print project project-away project-by-names
  project-keep project-rename project-reorder range reduce render sample sample-distinct scan search serialize sort
  summarize take top top-hitters top-nested union where`);
const BEGINNINGS = words(`
  alias datatable declare evaluate externaldata external_data find let pattern print range restrict search set union view`);
const CLAUSES = words(`
  and asc between by contains contains_cs default desc endswith endswith_cs first from has has_all has_any has_cs
  hasprefix hasprefix_cs hassuffix hassuffix_cs in last like matches not nulls of on or query_parameters regex startswith
  startswith_cs step to typeof where with`);
const BRACKETED = words("and between by has_all has_any in not on or query_parameters to typeof where with"); // before "(", too
const SETTINGS = words(`
  bagexpansion flags isfuzzy kind with_itemindex with_match_id with_source with_step_name withsource`); // before "="
const TYPES = words(`
  bool boolean datetime date decimal double dynamic guid int int64 long real string time timespan uniqueid`);
const LITERALS = words("bool boolean datetime date decimal double guid int long real time timespan uniqueid");
const CONSTANTS = words("true false null");
const UNITS = `(?:d|days?|h|hrs?|hours?|m|min(?:ute)?s?|s|sec(?:ond)?s?|ms|milli(?:s|seconds?)?|micro(?:s|seconds?)?
  |nano(?:s|seconds?)?|ticks?)`.replace(/\s+/g, "");

// Sticky: each is tried at the stream's place, and what it matches is the token.
const SPACE = /\s+/uy;
const COMMENT = /\/\/.*/uy;
const PLACEHOLDER = /\{\{[ \t]*[\p{L}_][\p{L}\p{N}_]*[ \t]*\}\}/uy;
const LONG_STRING = /[hH]?(```|~~~|@"|@')/uy; // may end on a later line
const STRING = /[hH]?(?:"(?:[^"\\]|\\.)*(?:"|\\?$)|'(?:[^'\\]|\\.)*(?:'|\\?$))/uy;
const NUMBER = new RegExp(`(?:0[xX][\\da-fA-F]+|\\d+(?:\\.\\d+)?(?:[eE][+-]?\\d+|${UNITS})?)(?![\\p{L}\\p{N}_])`, "uy");
const SIDE = /\$(?:left|right)\b/uy;
const NEGATED = /!(?:between|contains|endswith|hasprefix|hassuffix|has|in|startswith)(?:_cs)?(?!\w)~?/uy;
const FOLDED = /in~/uy;
const HYPHENATED = /[a-z]+(?:-[a-z]+)+/uy;
const ASSIGNED = /\s*=(?![=~])/uy;
const NAME = /[\p{L}\p{N}_$][\p{L}\p{N}_$]*/uy;
const OPERATOR = /==|!=|=~|!~|<=|>=|<>|=>|\.\.|[=<>+\-*/%|!?]/uy;
const ENDS = { "```": /```/gu, "~~~": /~~~/gu, '@"': /"(?!")/gu, "@'": /'(?!')/gu };
const SIGNS = {
  "(": "paren", ")": "paren", "[": "squareBracket", "]": "squareBracket", "{": "brace", "}": "brace",
  ",": "punctuation", ";": "punctuation", ":": "punctuation", ".": "derefOperator",
};
// What is expected behind a word or a sign.
const AFTER = { let: "definition", render: "chart", kind: "value" };
const BEHIND = { "=": "beginning", "(": "beginning", "{": "beginning", ";": "beginning", "|": "operator" };

/**
 * @typedef {object} State
 * @property {string} open  the mark that opened a string which has not ended, else ""
 * @property {string} expected  what may come next: "beginning" of a query, "operator", "definition", "value", "chart", "literal", ""
 * @property {boolean} wasDot  whether the token before was a dot
 *
 * @typedef {{string: string, pos: number}} Stream  the line, and the place in it
 */
export const kql = {
  name: "kql",
  languageData: { commentTokens: { line: "//" } },

  /** @returns {State} */
  startState: () => ({ open: "", expected: "beginning", wasDot: false }),

  /**
   * The kind of the token at the stream's place, which it moves behind the token.
   *
   * @param {Stream} stream
   * @param {State} state
   * @returns {string|null}
   */
  token(stream, state) {
    if (state.open) return readLongString(stream, state);
    if (take(stream, SPACE)) return null;
    if (take(stream, COMMENT)) return "lineComment";
    if (state.expected === "literal") return readLiteral(stream, state);
    const { expected, wasDot } = state;
    state.expected = "";
    state.wasDot = false;
    return readText(stream, state) ?? readWord(stream, state, expected, wasDot) ?? readSign(stream, state, expected);
  },
};

function readText(stream, state) {
  if (take(stream, PLACEHOLDER)) return "placeholder";
  const start = stream.pos;
  const isKey = start > 0 && stream.string[start - 1] === "["; // ["a name"], or a key of a dynamic value
  if (take(stream, LONG_STRING)) {
    state.open = stream.string.slice(start, stream.pos).replace(/^h/i, "");
    readLongString(stream, state);
  } else if (!take(stream, STRING)) {
    return take(stream, NUMBER) ? "number" : null;
  }
  return isKey && stream.string[stream.pos] === "]" ? "propertyName" : "string";
}

function readLongString(stream, state) {
  const end = ENDS[state.open];
  end.lastIndex = stream.pos;
  if (state.open.startsWith("@")) skipDoubled(stream, end, state.open[1]);
  if (end.test(stream.string)) {
    stream.pos = end.lastIndex;
    state.open = "";
  } else {
    stream.pos = stream.string.length;
  }
  return "string";
}

// In @"…" a doubled quote is one of the text.
function skipDoubled(stream, end, quote) {
  const text = stream.string;
  for (let at = text.indexOf(quote, stream.pos); at >= 0 && text[at + 1] === quote; at = text.indexOf(quote, at + 2)) {
    end.lastIndex = at + 2;
  }
}

// What stands in datetime(…), guid(…) and their like, which is no expression.
function readLiteral(stream, state) {
  const text = stream.string;
  if (text[stream.pos] === "(") {
    stream.pos += 1;
    return "paren";
  }
  state.expected = "";
  const close = text.indexOf(")", stream.pos);
  const start = stream.pos;
  stream.pos = close < 0 ? text.length : close;
  if (stream.pos === start) stream.pos += 1;
  const inside = text.slice(start, stream.pos).trim();
  return inside === ")" ? "paren" : CONSTANTS.has(inside) ? "atom" : "number";
}

function readWord(stream, state, expected, wasDot) {
  if (take(stream, SIDE)) return "side";
  if (!wasDot && (take(stream, NEGATED) || take(stream, FOLDED))) return "operatorKeyword";
  const start = stream.pos;
  if ((expected === "operator" || expected === "beginning") && take(stream, HYPHENATED)) {
    if (OPERATORS.has(stream.string.slice(start, stream.pos))) return "keyword";
    stream.pos = start; // a-b is a subtraction
  }
  if (!take(stream, NAME)) return null;
  const word = stream.string.slice(start, stream.pos);
  if (wasDot) return next(stream) === "(" ? "call" : "propertyName";
  return kindOfWord(word, stream, state, expected);
}

function kindOfWord(word, stream, state, expected) {
  const sign = next(stream);
  if (expected === "definition") return "declared";
  if (expected === "chart" || expected === "value") return "atom";
  const isSetting = SETTINGS.has(word) && take({ ...stream }, ASSIGNED);
  if (isSetting || isOperator(word, sign, expected)) {
    state.expected = AFTER[word] ?? "";
    return "keyword";
  }
  if (CONSTANTS.has(word)) return "atom";
  if (isType(word, sign, stream)) {
    if (sign === "(" && LITERALS.has(word)) state.expected = "literal";
    return "scalarType";
  }
  if (CLAUSES.has(word) && (sign !== "(" || BRACKETED.has(word))) return "keyword";
  return sign === "(" ? "call" : "variableName";
}

// A query begins with a word of its own or, within brackets, with an operator; `range(` and `count(` are functions.
function isOperator(word, sign, expected) {
  if (expected === "operator") return OPERATORS.has(word);
  if (expected !== "beginning") return false;
  if (BEGINNINGS.has(word)) return sign !== "(" || word !== "range";
  return OPERATORS.has(word) && (/[\p{L}\p{N}_$*]/u.test(sign) || (word === "where" && sign === "("));
}

function isType(word, sign, stream) {
  if (!TYPES.has(word)) return false;
  const start = stream.pos - word.length;
  return sign === "(" || /(?::|typeof\()\s*$/.test(stream.string.slice(Math.max(0, start - 40), start));
}

function readSign(stream, state, expected) {
  const start = stream.pos;
  const isOperator = take(stream, OPERATOR);
  if (!isOperator) stream.pos += stream.string.codePointAt(start) > 0xffff ? 2 : 1;
  const sign = stream.string.slice(start, stream.pos);
  state.wasDot = sign === ".";
  state.expected = sign === "=" && expected === "value" ? expected : (BEHIND[sign] ?? "");
  return isOperator ? "operator" : (SIGNS[sign] ?? null);
}

function take(stream, pattern) {
  pattern.lastIndex = stream.pos;
  if (!pattern.test(stream.string)) return false;
  stream.pos = pattern.lastIndex;
  return true;
}

// The sign behind the token, past blanks.
function next(stream) {
  SPACE.lastIndex = stream.pos;
  return stream.string[SPACE.test(stream.string) ? SPACE.lastIndex : stream.pos] ?? "";
}
