// JavaScript's words, strings, templates, regular expressions and brackets: enough to tell code from text.

/**
 * @typedef {object} Token
 * @property {"word"|"number"|"string"|"template"|"regex"|"sign"} kind
 * @property {string} text
 * @property {number} start
 * @property {number} end
 * @property {number} depth  how many brackets are open around it
 * @property {boolean} isProperty  a word behind a dot
 * @property {boolean} isInFunction
 * @property {number} [partner]  of a bracket: where its other half stands in the list
 * @property {boolean} [ends]  of a bracket that closes: whether what it closes is an operand
 */

import { Set } from "./own.mjs";

const BLANK = /(?:\s|\/\/[^\n\r\u2028\u2029]*|\/\*[^]*?\*\/|<!--[^\n\r\u2028\u2029]*|^#![^\n\r\u2028\u2029]*)+/y;
const WORD = /#?[\p{ID_Start}$_\\][\p{ID_Continue}$\u200c\u200d\\]*/uy;
const NUMBER = /(?:0[xX][\da-fA-F_]+|0[oO][0-7_]+|0[bB][01_]+|(?:\d[\d_]*\.?[\d_]*|\.\d[\d_]*)(?:[eE][+-]?[\d_]+)?)n?/y;
const STRING = /"(?:[^"\\\n\r]|\\(?:\r\n|[^]))*"|'(?:[^'\\\n\r]|\\(?:\r\n|[^]))*'/y;
const TEMPLATE = /(?:[^`\\$]|\\[^]|\$(?!\{))*(?:`|\$\{)/y;
const REGEX = /\/(?:[^\\/[\n\r\u2028\u2029]|\\[^\n\r\u2028\u2029]|\[(?:[^\]\\\n\r\u2028\u2029]|\\[^\n\r\u2028\u2029])*\])+\/[\p{ID_Continue}$]*/uy;
const SIGN = /=>|\+\+|--|\?\.(?!\d)|\.\.\.|[^]/y;

const BEFORE_OPERAND = new Set(
  "await case delete do else in instanceof new of return throw typeof void yield".split(" "),
);
const BEFORE_CONDITION = new Set(["if", "while", "for", "with"]);
const BEFORE_BLOCK = new Set([...BEFORE_CONDITION, "catch", "switch"]);
const OPENING = { ")": "(", "]": "[", "}": "{" };

/** @returns {Token[]} the tokens of a text; they end where it is no JavaScript */
export function tokenize(code) {
  const tokens = [];
  const open = []; // places of the brackets that are open
  let at = 0;

  const take = (pattern) => {
    pattern.lastIndex = at;
    return pattern.exec(code)?.[0];
  };
  const add = (kind, text, more = {}) => {
    const isProperty = kind === "word" && [".", "?."].includes(tokens.at(-1)?.text);
    const isInFunction = open.some((place) => tokens[place].isFunction);
    tokens.push({ kind, text, start: at, end: at + text.length, depth: open.length, isProperty, isInFunction, ...more });
    at += text.length;
  };
  const openBracket = (text, more) => {
    add("sign", text, more);
    open.push(tokens.length - 1);
  };
  /** The text of a template from here to its end, or to the next `${`. */
  const addTemplate = (start) => {
    at += start.length;
    const text = take(TEMPLATE);
    at -= start.length;
    if (text === undefined) return false;
    if (!text.endsWith("${")) add("template", start + text);
    else openBracket(start + text, { isTemplate: true });
    return true;
  };
  const closeBracket = (text) => {
    const place = open.pop();
    if (place === undefined) return false;
    const opening = tokens[place];
    if (opening.isTemplate) return text === "}" && addTemplate(text);
    if (opening.text !== OPENING[text]) return false;
    opening.partner = tokens.length;
    add("sign", text, { partner: place, ends: !opening.isCondition && !opening.isBlock });
    return true;
  };
  /** @returns {boolean} false where the text is no JavaScript */
  const next = () => {
    const char = code[at];
    let text;
    if (char === '"' || char === "'") return (text = take(STRING)) !== undefined && (add("string", text), true);
    if (char === "`") return addTemplate("`");
    if ((text = take(NUMBER)) !== undefined) return add("number", text), true;
    if ((text = take(WORD)) !== undefined) return add("word", text), true;
    if (char === "/" && !endsOperand(tokens)) return (text = take(REGEX)) !== undefined && (add("regex", text), true);
    text = take(SIGN);
    if (OPENING[text]) return closeBracket(text);
    if (text === "(") openBracket(text, { isCondition: isWord(tokens.at(-1), BEFORE_CONDITION) });
    else if (text === "[") openBracket(text);
    else if (text === "{") openBracket(text, { isBlock: startsBlock(tokens), isFunction: startsFunction(tokens) });
    else add("sign", text);
    return true;
  };

  for (;;) {
    at += take(BLANK)?.length ?? 0;
    if (at >= code.length || !next()) return tokens;
  }
}

const isWord = (token, words) => token?.kind === "word" && !token.isProperty && words.has(token.text);

/** Whether what stands before is an operand, so that a slash divides. */
function endsOperand(tokens) {
  const last = tokens.at(-1);
  if (!last) return false;
  if (last.kind === "word") return !isWord(last, BEFORE_OPERAND);
  if (last.kind !== "sign") return true;
  if (last.text === "++" || last.text === "--") return endsOperand(tokens.slice(0, -1));
  return last.ends === true;
}

/** Whether a brace here opens statements, not an object. */
function startsBlock(tokens) {
  const last = tokens.at(-1);
  if (!last) return true;
  if (last.kind === "word") return !isWord(last, BEFORE_OPERAND) || ["do", "else"].includes(last.text);
  if (last.kind !== "sign") return true;
  if (last.text === "{" || last.text === "}") return last.text === "{" ? last.isBlock : !last.ends;
  return [";", ")", "=>"].includes(last.text);
}

/** Whether a brace here opens the body of a function. */
function startsFunction(tokens) {
  const last = tokens.at(-1);
  if (last?.text === "=>") return true;
  return last?.text === ")" && last.kind === "sign" && !isWord(tokens[last.partner - 1], BEFORE_BLOCK);
}
