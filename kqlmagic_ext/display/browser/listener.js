// Runs in the notebook's page, once whatever many outputs bring it: gives frames their height and the page's theme.
(() => {
  const KEY = Symbol.for("kqlmagic_ext frames 1");
  const TALLEST = 20000;
  const all = () => document.querySelectorAll("iframe[data-kqlmagic]");
  const trusted = (frame) => {
    for (const line of frame.parentElement.querySelectorAll(".kqlmagic-trust")) line.remove();
  };
  const greet = () => all().forEach(trusted);
  if (window[KEY]) {
    window[KEY]();
    return;
  }
  window[KEY] = greet;
  greet();

  const theme = () => {
    const style = getComputedStyle(document.body);
    const color = (name) => style.getPropertyValue(name).trim();
    const dark = document.body.dataset.jpThemeLight === "false";
    return { dark, paper: color("--jp-layout-color0"), ink: color("--jp-content-font-color1") };
  };
  const inner = (frame) => (frame.contentWindow?.length ? frame.contentWindow[0] : undefined);
  const paint = (frame) => inner(frame)?.postMessage({ kqlmagic: frame.dataset.kqlmagic, theme: theme() }, "*");

  window.addEventListener("message", ({ data, source }) => {
    if (typeof data !== "object" || typeof data?.kqlmagic !== "string") return;
    const frame = [...all()].find(
      (one) => one.dataset.kqlmagic === data.kqlmagic && inner(one) === source,
    );
    if (!frame) return;
    if (data.hello) {
      trusted(frame);
      paint(frame);
    }
    if (data.drawn) frame.dataset.drawn = ""; // for whoever prints the page
    if (Number.isFinite(data.height)) frame.style.height = `${Math.min(Math.max(data.height, 20), TALLEST)}px`;
  });
  new MutationObserver(() => all().forEach(paint)).observe(document.body, {
    attributes: true,
    attributeFilter: ["data-jp-theme-light", "data-jp-theme-name"],
  });
})();
