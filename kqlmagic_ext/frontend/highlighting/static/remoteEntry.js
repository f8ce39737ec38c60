// Where JupyterLab 4 and Notebook 7 enter: a module federation container, written by hand. They call `init` with the modules
// that they share, then `get` for the plugins. Whatever is wrong here costs the colours and nothing else.
(() => {
  const NAME = "kqlmagic-ext";
  let scope = {};

  async function plugins() {
    try {
      const { makePlugins } = await import("./plugin.js");
      return await makePlugins(scope);
    } catch (error) {
      console.warn(`${NAME}: cells keep the colours of Python, since this page has no place for others:`, error);
      return [];
    }
  }

  window._JUPYTERLAB ??= {};
  window._JUPYTERLAB[NAME] = {
    init: (shared) => {
      scope = shared;
    },
    get: async () => {
      const found = await plugins();
      return () => ({ __esModule: true, default: found });
    },
  };
})();
