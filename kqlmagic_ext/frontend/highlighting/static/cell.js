// A cell as CodeMirror sees it: its magic line, and the rest in the language that the line names. Which language that is
// follows from the text alone, within the very change that changes it: typing, undo, paste and loading are all the same.
import { findMagicLine } from "./magic.js";

/**
 * What reads a whole cell: its magic line itself, what is below it with the parser of a language.
 *
 * @param {object} codeMirror  the shared modules
 * @param {string} name
 * @param {object|null} inner  the language's own parser; null: text without colours
 * @returns a CodeMirror Language
 */
export function makeCellLanguage({ language, common, highlight }, name, inner) {
  const { NodeType, Tree, parseMixed } = common;
  const styled = highlight.styleTags({ MagicLine: highlight.tags.meta });
  const line = NodeType.define({ id: 1, name: "MagicLine", props: [styled] });
  const body = NodeType.define({ id: 2, name: "Body" });

  function pieces(input) {
    const { length } = input;
    const found = findMagicLine((from, to) => input.read(from, to), length);
    if (!found) return [];
    const lineTree = new Tree(line, [], [], found.to - found.from);
    const bodyTree = new Tree(body, [], [], length - found.to); // with the line's end: the place behind it is the body's
    return found.to < length
      ? [[lineTree, found.from], [bodyTree, found.to]]
      : [[lineTree, found.from]];
  }

  const mix = parseMixed((node) => (inner && node.type === body ? { parser: inner } : null));
  return makeLanguage({ language, common }, name, pieces, mix);
}

/** A language without colours: what stands where a notebook's own has not come yet. */
export const makePlainLanguage = (codeMirror) => makeLanguage(codeMirror, "", () => [], (whole) => whole);

// `pieces`: the trees of a text with their places; `mix`: puts parsers into them.
function makeLanguage({ language, common }, name, pieces, mix) {
  // A magic line that is commented out leaves a cell of Python.
  const data = language.defineLanguageFacet({ commentTokens: { line: "#" } });
  const top = common.NodeType.define({
    id: 0,
    name: "Cell",
    top: true,
    props: [language.languageDataProp.add(() => data)],
  });
  const read = (input) => {
    const found = pieces(input);
    return new common.Tree(top, found.map(([tree]) => tree), found.map(([, place]) => place), input.length);
  };

  class CellParser extends common.Parser {
    createParse(input, fragments, ranges) {
      const whole = { parsedPos: input.length, stoppedAt: null, advance: () => read(input), stopAt() {} };
      return mix(whole, input, fragments, ranges);
    }
  }
  return new language.Language(data, new CellParser(), [], name);
}

/** The languages of cells, each loaded when the first cell speaks it. */
export class CellLanguages {
  #codeMirror;
  #registry;
  #whole = new Map();
  #coming = new Map();

  /**
   * @param {object} codeMirror  the shared modules
   * @param {object} registry  JupyterLab's languages
   */
  constructor(codeMirror, registry) {
    this.#codeMirror = codeMirror;
    this.#registry = registry;
    this.plain = makePlainLanguage(codeMirror);
  }

  /** What reads a cell of a language: without colours until it has come. */
  get(name) {
    if (!this.#whole.has(name)) this.#whole.set(name, makeCellLanguage(this.#codeMirror, name, null));
    return this.#whole.get(name);
  }

  /** Load a language; a promise of whether that changed anything. */
  bring(name) {
    if (!this.#coming.has(name)) this.#coming.set(name, this.#load(name));
    return this.#coming.get(name);
  }

  async #load(name) {
    try {
      const known = this.#registry.findByName(name);
      if (!known) throw new Error("the page has no such language");
      const { support } = await this.#registry.getLanguage(known);
      this.#whole.set(name, makeCellLanguage(this.#codeMirror, name, support.language.parser));
    } catch (error) {
      console.warn(`kqlmagic-ext: cells of ${name} stay without colours:`, error);
    }
  }
}

/**
 * The extension of an editor.
 *
 * @param {object} codeMirror  the shared modules
 * @param {CellLanguages} languages
 * @param {() => boolean} isPython  whether the editor's own language is Python now
 */
export function followMagicLine({ language, state, view }, languages, isPython) {
  const arrived = state.StateEffect.define();

  function speech(doc) {
    const found = isPython() ? findMagicLine((from, to) => doc.sliceString(from, to), doc.length) : null;
    return found && found.language;
  }

  // The language's name, and what reads it: null for a cell of the notebook's own language.
  const spoken = state.StateField.define({
    create: ({ doc }) => read(speech(doc)),
    update(value, change) {
      if (change.docChanged || change.reconfigured) return read(speech(change.newDoc), value);
      return change.effects.some((effect) => effect.is(arrived)) ? read(value?.name, value) : value;
    },
    compare: (one, other) => one?.reader === other?.reader,
    provide: (field) =>
      state.Prec.highest(
        language.language.computeN([field], (now) => {
          const value = now.field(field);
          return value ? [value.reader] : [];
        }),
      ),
  });
  const read = (name) => (name ? { name, reader: languages.get(name) } : null);
  // CodeMirror fails where nothing answers, as before the notebook's own language has come.
  const last = state.Prec.lowest(language.language.of(languages.plain));

  const loader = view.ViewPlugin.define((editor) => {
    let isGone = false;
    const asked = new Set();
    const ask = (now) => {
      const name = now.field(spoken)?.name;
      if (!name || asked.has(name)) return;
      asked.add(name);
      languages.bring(name).then(() => isGone || editor.dispatch({ effects: arrived.of(null) }));
    };
    ask(editor.state);
    return { update: (update) => ask(update.state), destroy: () => (isGone = true) };
  });
  return [spoken, last, loader];
}
