// The plugin: gives every editor of a notebook cell the colours that its magic line asks for, and the page the language KQL.
import { CellLanguages, followMagicLine } from "./cell.js";
import { charts } from "./charts.js";
import { kql } from "./kql.js";
import { sharedModule } from "./sharing.js";

const SHARED = {
  language: "@codemirror/language",
  state: "@codemirror/state",
  view: "@codemirror/view",
  common: "@lezer/common",
  highlight: "@lezer/highlight",
  lab: "@jupyterlab/codemirror",
};
const PYTHON = new Set(["text/x-ipython", "text/x-python"]);

/** The plugins of the extension, made with the page's own modules. */
export async function makePlugins(scope) {
  const found = Object.entries(SHARED).map(async ([key, name]) => [key, await sharedModule(scope, name)]);
  const modules = Object.fromEntries(await Promise.all(found));
  const { IEditorExtensionRegistry, IEditorLanguageRegistry } = modules.lab;
  return [
    {
      id: "kqlmagic-ext:highlighting",
      description: "Colours cells of KQL, PowerShell and JavaScript.",
      autoStart: true,
      requires: [IEditorExtensionRegistry, IEditorLanguageRegistry],
      activate: (_app, extensions, languages) => activate(modules, extensions, languages),
    },
    charts,
  ];
}

function activate(modules, extensions, languages) {
  try {
    addKql(modules, languages);
    const cells = new CellLanguages(modules, languages);
    // An error within an editor would cost the whole notebook: it must come here, in one that nobody sees.
    modules.state.EditorState.create({ doc: "%%kql\nT", extensions: followMagicLine(modules, cells, () => true) });
    extensions.addExtension({
      name: "kqlmagic-ext:highlighting",
      factory: (editor) => extensionFor(editor, modules, cells),
    });
  } catch (error) {
    console.warn("kqlmagic-ext: cells keep the colours of Python, since this page's CodeMirror is another:", error);
  }
}

function extensionFor({ inline, model }, modules, cells) {
  if (inline === false) return null; // a file, not a cell
  const isPython = () => PYTHON.has(model.mimeType);
  return modules.lab.EditorExtensionRegistry.createImmutableExtension(followMagicLine(modules, cells, isPython));
}

// Also for files that end in .kql, and for ```kql in Markdown.
function addKql({ language, highlight }, languages) {
  if (languages.findByName("kql") || languages.findByMIME("text/x-kql", true)) return; // another extension's
  const { tags } = highlight;
  const named = tags.standard(tags.variableName);
  const known = tags.special(tags.variableName);
  const tokenTable = {
    call: tags.function(named),
    scalarType: named, // plain "type" is taken by CodeMirror
    declared: tags.definition(tags.variableName),
    side: known,
    placeholder: known,
  };
  languages.addLanguage({
    name: "kql",
    displayName: "KQL",
    mime: "text/x-kql",
    extensions: ["kql", "csl"],
    load: async () => new language.LanguageSupport(language.StreamLanguage.define({ ...kql, tokenTable })),
  });
}
