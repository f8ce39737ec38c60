// The modules that the page shares among its extensions: webpack's share scope, {name: {version: {get, loaded, …}}}.

/**
 * A module of the page, the very copy that the page itself uses.
 *
 * @param {object} scope
 * @param {string} name
 */
export async function sharedModule(scope, name) {
  const copies = Object.entries(scope[name] ?? {});
  if (!copies.length) throw new Error(`no shared module ${name}`);
  const [, copy] = copies.reduce((best, one) => (isBetter(one, best) ? one : best));
  copy.loaded = 1; // as webpack marks it: whoever comes next takes the same copy
  return (await copy.get())();
}

// Two copies of CodeMirror in one page do not know each other: as webpack does, the one that is in use goes before a newer one.
function isBetter([version, copy], [other, otherCopy]) {
  if (Boolean(copy.loaded) !== Boolean(otherCopy.loaded)) return Boolean(copy.loaded);
  return version.localeCompare(other, "en", { numeric: true }) > 0;
}
