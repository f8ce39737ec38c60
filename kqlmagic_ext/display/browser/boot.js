// Runs in the inner frame of a %%browser cell: unpacks libraries and inputs, runs the cell, tells the page its height.
(async () => {
  const nonce = document.currentScript.nonce;
  const page = window.parent.parent;
  const cell = JSON.parse(document.getElementById("cell").textContent);
  const element = document.getElementById("element");
  const said = document.getElementById("said");
  const written = document.getElementById("written");
  const FILE = "cell.js";
  const ABOVE = 1; // lines of the script above the cell's own: the file's name, where a broken script tells it, too
  const HEAD = "kqlmagic.show((";
  const TAIL = "))";

  // ---------------------------------------------------------------- the page

  const post = (message) => page.postMessage({ kqlmagic: cell.token, ...message }, "*");
  let height = -1;
  const measure = () => {
    const now = Math.ceil(document.documentElement.getBoundingClientRect().height);
    if (now !== height) post({ height: (height = now) });
  };
  new ResizeObserver(measure).observe(document.documentElement);

  const paint = ({ dark, paper, ink }) => {
    const root = document.documentElement;
    root.dataset.theme = dark ? "dark" : "light";
    for (const [name, color] of [["--paper", paper], ["--ink", ink]]) {
      if (color) root.style.setProperty(name, color);
      else root.style.removeProperty(name);
    }
  };

  addEventListener("message", ({ source, data }) => {
    if (source !== page || data?.kqlmagic !== cell.token) return;
    if (data.theme) paint(data.theme);
    if (data.relay) answered();
    if (data.told) told(data.told);
  });

  // ---------------------------------------------------------------- what the analyst must know

  const HIDDEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/gu; // control characters, bidi marks: log text is hostile
  const visible = (text) =>
    text.replace(HIDDEN, (char) => (char === "\n" || char === "\t" ? char : `\\u{${char.codePointAt(0).toString(16)}}`));
  const say = (title, rest = "") => {
    const line = document.createElement("div");
    const strong = document.createElement("b");
    strong.textContent = visible(title);
    line.append(strong, visible(rest));
    said.append(line);
    measure();
    return line;
  };

  // ---------------------------------------------------------------- what the cell writes: console, and its last value

  const MOST_LINES = 1000;
  const MOST_CHARACTERS = 10_000;
  const MOST_ITEMS = 100;
  const inspect = Symbol.for("nodejs.util.inspect.custom"); // a Frame has it
  const plain = (key, value) => {
    if (typeof value === "bigint") return `${value}n`;
    if (value instanceof Map || value instanceof Set) return [...value];
    return typeof value === "function" || typeof value === "symbol" ? String(value) : value;
  };
  const text = (value) => {
    if (typeof value === "string") return value;
    if (value instanceof Error) return String(value);
    if (typeof value === "bigint") return `${value}n`;
    if (value === null || typeof value !== "object") return String(value);
    if (typeof value[inspect] === "function") return value[inspect]();
    if (value instanceof Node) return String(value);
    const items = Array.isArray(value) ? value.slice(0, MOST_ITEMS) : value;
    const more = items.length < value.length ? ` … ${(value.length - MOST_ITEMS).toLocaleString("en")} items more` : "";
    return `${JSON.stringify(items, plain)}${more}`;
  };
  const words = (value) => {
    let whole;
    try {
      whole = text(value);
    } catch {
      whole = Object.prototype.toString.call(value); // it refers to itself, or will not be read
    }
    const more = whole.length - MOST_CHARACTERS;
    return visible(more > 0 ? `${whole.slice(0, MOST_CHARACTERS)}… (${more.toLocaleString("en")} characters more)` : whole);
  };
  let writtenLines = 0;
  const write = (kind, values) => {
    writtenLines += 1;
    if (writtenLines > MOST_LINES + 1) return undefined;
    const line = document.createElement("div");
    line.className = kind;
    line.textContent = writtenLines > MOST_LINES ? "… further lines are left out" : values.map(words).join(" ");
    written.append(line);
    measure();
    return line;
  };
  for (const kind of ["debug", "error", "info", "log", "table", "trace", "warn"]) {
    const own = console[kind].bind(console);
    console[kind] = (...values) => {
      own(...values);
      write(kind, values);
    };
  }

  const [before, shown, after] = cell.code;
  const lines = (before + shown + after).split(/\r\n|[\n\r\u2028\u2029]/);
  let isRewritten = shown !== "";

  // The place in the cell's own code of a place in the script that ran, which may have HEAD and TAIL in it.
  const inCode = (scriptLine, column) => {
    const line = scriptLine - ABOVE;
    if (!isRewritten) return [line, column];
    const starts = before.split(/\r\n|[\n\r\u2028\u2029]/);
    const ends = (before + shown).split(/\r\n|[\n\r\u2028\u2029]/);
    const head = line === starts.length && column > starts.at(-1).length ? HEAD.length : 0;
    const end = ends.at(-1).length + (starts.length === ends.length ? HEAD.length : 0);
    const tail = line === ends.length && column > end + TAIL.length ? TAIL.length : 0;
    return [line, Math.max(column - head - tail, head ? starts.at(-1).length + 1 : 1)];
  };

  const placed = (line, column) => {
    if (line < 1 || line > lines.length) return "";
    const text = lines[line - 1];
    const characters = [...text.slice(0, column - 1)].length;
    const at = characters + 1 + (line === 1 ? cell.place[1] : 0);
    const from = Math.max(0, characters - 60);
    const seen = [...text].slice(from, from + 120).join("").replaceAll("\t", " ");
    return ` (line ${line + cell.place[0]}, column ${at})\n    ${seen}\n    ${" ".repeat(characters - from)}^`;
  };

  // Chromium says of broken code that the script could not be put into the page.
  const messageOf = ({ message }) => message.replace(/^Failed to execute '\w+' on '\w+': /, "");
  const PLACE = new RegExp(`${FILE.replace(".", "\\.")}:(\\d+):(\\d+)`);
  const report = (error, line, column) => {
    const found = PLACE.exec(error?.stack ?? "");
    const at = found ? [Number(found[1]), Number(found[2])] : line ? [line, column] : undefined;
    if (error instanceof SyntaxError && at && at[0] - ABOVE > lines.length) {
      say("SyntaxError: the cell ends too early: something that was opened in it is not closed");
      return;
    }
    const what = error instanceof Error ? `${error.name}: ${messageOf(error)}` : `thrown: ${String(error)}`;
    say(what, at ? placed(...inCode(...at)) : "");
  };

  addEventListener("error", (event) => {
    const isOwn = event.filename?.endsWith(FILE);
    const isEarly = isOwn && event.error instanceof SyntaxError && !PLACE.test(event.error.stack ?? "");
    if (isEarly && isRewritten) {
      isRewritten = false; // nothing of it ran: the cell's own text tells its error, or has none
      run(before + shown + after);
      return;
    }
    if (event.error !== undefined && event.error !== null) report(event.error, isOwn && event.lineno, event.colno);
    else if (event.message) say(event.message);
    post({ drawn: true });
  });
  addEventListener("unhandledrejection", ({ reason }) => report(reason));

  const blocked = new Set();
  document.addEventListener("securitypolicyviolation", ({ effectiveDirective, blockedURI }) => {
    const what = `${effectiveDirective} ${blockedURI}`;
    if (blocked.size >= 5 || blocked.has(what)) return;
    blocked.add(what);
    const isNetwork = /^(connect|font|img|media|script|style)-/.test(effectiveDirective) && blockedURI.includes(":");
    say("blocked", `: ${what}${isNetwork && !cell.network ? "; --allow-network lets one cell reach the network" : ""}`);
  });

  // ---------------------------------------------------------------- HTML out of a log

  // The policies let it send nothing; but a frame, a refresh or a link that they stop has the browser open a connection.
  const OPENS = /<(?=(?:iframe|frame|object|embed|portal|fencedframe|meta|link|base)\b)/gi;
  const same = (text) => text;
  window.trustedTypes?.createPolicy("default", {
    createHTML: (text) => text.replace(OPENS, "&lt;"), // shown as text
    createScript: same,
    createScriptURL: same,
  });
  for (const kind of ["click", "auxclick"]) {
    addEventListener(kind, (event) => {
      const link = event.composedPath().find((node) => node instanceof Element && node.matches("a, area"));
      const target = link?.href?.baseVal ?? link?.href ?? "";
      if (!target) return;
      event.preventDefault(); // one within the page, too: the frame would leave its own text
      const inside = /^#(.*)/.exec(link.getAttribute("href") ?? "");
      if (inside) document.getElementById(inside[1])?.scrollIntoView();
      else say("blocked", `: a link to ${target}`);
    }, { capture: true });
  }

  // ---------------------------------------------------------------- output(name, value)

  const instance = [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  const waiting = new Map();
  let isAnswered = false;
  let timer;
  let acted = false;
  for (const kind of ["pointerdown", "keydown"]) {
    addEventListener(kind, (event) => { acted ||= event.isTrusted; }, { capture: true });
  }
  const flush = () => {
    timer = undefined;
    for (const [name, message] of waiting) post({ instance, name, ...message });
    waiting.clear();
  };
  const soon = () => { timer ??= setTimeout(flush, 50); };
  const answered = () => {
    if (!isAnswered) post({ here: true, instance });
    isAnswered = true;
    if (waiting.size) soon();
  };
  const told = (lines) => { // about the last values that were sent
    for (const old of said.querySelectorAll(".told")) old.remove();
    for (const line of lines) say(`output: ${line}`).className = "told";
  };
  const output = (name, value) => {
    if (!cell.outputs.includes(name)) {
      const there = cell.outputs.length ? `it has -o ${cell.outputs.join(",")}` : `it has no -o`;
      throw new TypeError(`output: the cell does not name ${String(name)}: ${there}`);
    }
    const { kind, json, arrow } = frames.encode(value, name);
    const size = arrow ? arrow.byteLength : new TextEncoder().encode(json).length;
    if (size > cell.bytes) {
      throw new RangeError(`output: ${name} has ${size.toLocaleString("en")} bytes, and at most ${cell.bytes.toLocaleString("en")} go back; send less, such as an aggregate`);
    }
    waiting.set(name, { acted, kind, json, arrow });
    if (isAnswered) soon();
  };

  // ---------------------------------------------------------------- the cell

  const append = (text, type) => {
    const script = document.createElement("script");
    if (type) script.type = type;
    script.nonce = nonce;
    script.textContent = text;
    document.head.append(script);
  };
  const run = (text) => append(`//# sourceURL=${FILE}\n${text}\n;kqlmagic.drawn();`, "module");
  const bytesOf = (base64) => Uint8Array.from(atob(base64), (char) => char.charCodeAt(0));
  const unpacked = (base64) =>
    new Response(new Blob([bytesOf(base64)]).stream().pipeThrough(new DecompressionStream("gzip"))).text();

  const bodySize = document.body.children.length;
  const show = (value) => {
    if (value instanceof Promise) return value.then(show);
    const isNode = value instanceof Element || value instanceof DocumentFragment || value instanceof Text;
    if (isNode && value.parentNode === null) element.append(value);
    else if (value !== undefined && element.childNodes.length === 0 && document.body.children.length === bodySize) {
      const line = write("value", [value]);
      new MutationObserver(() => line?.remove()).observe(element, { childList: true }); // it draws later
    }
    return undefined;
  };
  const drawn = () => {
    measure();
    post({ drawn: true });
  };

  let frames;
  const names = { element, output };
  Object.defineProperty(window, "kqlmagic", { value: { show, drawn, names, take: (made) => { frames = made; } } });
  post({ hello: true, instance });
  for (const [name, packed] of Object.entries(cell.libraries)) {
    const text = await unpacked(packed);
    append(name === "frame" ? `kqlmagic.take((${text.trim().replace(/;$/, "")})(globalThis.Arrow));` : text);
  }
  for (const { dataset, textContent } of document.querySelectorAll("script[data-input]")) {
    const isArrow = dataset.form === "arrow";
    names[dataset.input] = isArrow ? frames.fromArrow(bytesOf(textContent)) : frames.fromEnvelope(textContent);
  }
  append(Object.keys(names).map((name) => `const ${name} = kqlmagic.names[${JSON.stringify(name)}];`).join(" "));
  run(isRewritten ? before + HEAD + shown + TAIL + after : before + after);
})();
