// The way back from the frames of browser cells: a model without a view, in the notebook's page.
export default {
  initialize({ model }) {
    const namesOf = (token) => {
      const runs = model.get("runs");
      return Object.hasOwn(runs, token) ? runs[token] : undefined;
    };
    const frames = () =>
      [...document.querySelectorAll("iframe[data-kqlmagic]")]
        .filter((frame) => frame.contentWindow?.length) // without it, [0] raises
        .map((frame) => [frame.dataset.kqlmagic, frame.contentWindow[0]]);

    const receive = ({ data, source }) => {
      const token = data?.kqlmagic;
      if (typeof token !== "string" || !source) return;
      const names = namesOf(token);
      if (!names || !frames().some(([its, inner]) => its === token && inner === source)) return;
      const { hello, here, instance, acted, name, kind, json, arrow } = data;
      if (hello) source.postMessage({ kqlmagic: token, relay: true }, "*");
      else if (here) model.send({ token, instance });
      else if (names.includes(name)) {
        const buffers = arrow instanceof Uint8Array ? [arrow] : [];
        model.send({ token, instance, acted: acted === true, name, kind, json: json ?? null }, undefined, buffers);
      } else if (name !== undefined) {
        source.postMessage({ kqlmagic: token, told: [`${name} follows a later cell now`] }, "*");
      }
    };
    const greet = () => {
      for (const [token, inner] of frames()) {
        if (namesOf(token)) inner.postMessage({ kqlmagic: token, relay: true }, "*");
      }
    };
    const answer = ({ token, told }) => {
      for (const [its, inner] of frames()) {
        if (its === token) inner.postMessage({ kqlmagic: token, told }, "*");
      }
    };
    window.addEventListener("message", receive);
    model.on("change:runs", greet);
    model.on("msg:custom", answer);
    greet();
    return () => {
      window.removeEventListener("message", receive);
      model.off("change:runs", greet);
      model.off("msg:custom", answer);
    };
  },
};
