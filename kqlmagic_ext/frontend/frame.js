/**
 * Frames in JavaScript: how a table or a value arrives from Python, and how it goes back. Runs in Node, Deno and browsers.
 *
 * The file is one function expression; called with the apache-arrow module, or with undefined where there is none, it gives
 * `{ Frame, fromArrow, fromEnvelope, encode, hasFinerTimes }`.
 *
 * | KQL | in a row | in `.arrow` |
 * |---|---|---|
 * | bool, int, real, string | boolean, Number, Number, text | bool, int32, float64, utf8 |
 * | long | Number; BigInt for the whole column when one value is beyond ±(2^53 - 1) | int64 |
 * | decimal, timespan, guid | text | decimal, duration, utf8 |
 * | datetime | Date, floored to its millisecond | timestamp, exact |
 * | dynamic | what its JSON tells; an integer beyond ±(2^53 - 1) as BigInt | utf8 (JSON) |
 *
 * A null is null everywhere.
 *
 * Rows that are given back have the types of their frame, filtered and sorted as they may be, in every column whose values
 * still fit; objects of the user's own have those of their values: a column of whole Numbers is long, of texts string.
 *
 * @typedef {"bool"|"int"|"long"|"real"|"decimal"|"string"|"datetime"|"timespan"|"guid"|"dynamic"} KqlType
 * @typedef {{name: string, type: KqlType, length: number, read: (row: number) => any, isFiner: () => boolean}} Column
 * @typedef {{name: string, type: KqlType, cells: any[]}} Cells  a column to be written: booleans, numbers, texts, Dates, JSON
 * @typedef {{kind: "table", arrow: Uint8Array} | {kind: "table"|"value", json: string}} Encoded
 */
(function (Arrow) {
  "use strict";

  const LONG_MIN = -(2n ** 63n);
  const LONG_MAX = 2n ** 63n - 1n;
  const TWO_32 = 2 ** 32;
  const MAX_DEPTH = 100;
  const TICKS_A_SECOND = 10_000_000n;
  const MOST_TICKS = LONG_MAX / 100n; // what nanoseconds can count
  const FIRST_MS = new Date("0001-01-01T00:00:00Z").getTime();
  const END_MS = new Date("9999-12-31T23:59:59.999Z").getTime();
  const BLOCK = 256; // texts that are decoded at once
  const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }); // else a leading BOM would be lost
  const LONE_SURROGATE = /\p{Surrogate}/u;

  // ---- the Frame ------------------------------------------------------------------------------------------------

  /** A table: an iterable of rows, which are plain objects made when they are asked for. */
  class Frame {
    #columns;
    #row;
    #source;
    #table;

    /**
     * @param {Column[]} columns
     * @param {number} length
     * @param {{bytes?: Uint8Array, cells?: Cells[]}} source  what goes back when the frame does
     */
    constructor(columns, length, source) {
      this.columns = Object.freeze(columns.map((column) => column.name));
      this.types = Object.freeze(Object.fromEntries(columns.map((column) => [column.name, column.type])));
      this.#columns = columns;
      this.#row = rowMaker(columns, this.types);
      this.#source = source;
      this.length = length;
      Object.freeze(this);
    }

    /** @returns {Generator<Record<string, any>>} one row after the other, each made when it is reached */
    *[Symbol.iterator]() {
      for (let row = 0; row < this.length; row += 1) yield this.#row(row);
    }

    /** @returns {Record<string, any> | undefined} the row at a place; a negative one counts from the end */
    at(place) {
      const row = place < 0 ? this.length + place : place;
      return row >= 0 && row < this.length ? this.#row(row) : undefined;
    }

    /** @returns {Record<string, any>[]} all rows */
    toArray() {
      return Array.from({ length: this.length }, (_, row) => this.#row(row));
    }

    /** @returns {any[]} the values of a column, as they stand in rows */
    column(name) {
      const found = this.#columns.find((column) => column.name === name);
      if (!found) throw new TypeError(`There is no column ${quoted(name)}; there are ${this.columns.map(quoted).join(", ")}`);
      return Array.from({ length: this.length }, (_, row) => found.read(row));
    }

    /** The apache-arrow Table: exact in every column. Of a frame that came as Arrow it is the one that came. */
    get arrow() {
      if (!Arrow) throw new TypeError("Apache Arrow is not loaded here, so this frame has no .arrow; its rows are there without");
      this.#table ??= this.#source.bytes ? this.#source.table : tableOf(this.#source.cells, "the frame");
      return this.#table;
    }

    /** Whether a datetime has digits below a millisecond: a row's Date lacks them, `.arrow` has them. */
    get hasFinerTimes() {
      return this.#columns.some((column) => column.isFiner());
    }

    toJSON() {
      return this.toArray();
    }

    /** @returns {Encoded} the frame as it came */
    static encode(frame, name) {
      const { bytes, cells } = frame.#source;
      if (bytes) return { kind: "table", arrow: isFile(bytes) ? bytes : Arrow.tableToIPC(frame.arrow, "file") };
      return Arrow ? { kind: "table", arrow: Arrow.tableToIPC(frame.arrow, "file") } : encodeCells(cells, name);
    }

    [Symbol.for("nodejs.util.inspect.custom")]() {
      const columns = this.columns.map((name) => `${name}: ${this.types[name]}`).join(", ");
      return `Frame of ${this.length.toLocaleString("en-US")} rows × ${this.columns.length} { ${columns} }`;
    }
  }

  class Given {
    constructor(row) {
      return row;
    }
  }

  /**
   * The types of the frame that a row came from, in a private field of the row: nothing that looks at the row sees it,
   * a copy lacks it, and it costs a tenth of a WeakMap.
   */
  class Origin extends Given {
    #types;

    constructor(row, types) {
      super(row);
      this.#types = types;
    }

    static of(row) {
      return #types in row ? row.#types : undefined;
    }
  }

  /** The names of a frame's columns by its types: an object puts names that look like numbers first. */
  const ORDERS = new WeakMap();

  /** @returns {(row: number) => Record<string, any>} makes rows that remember their types */
  function rowMaker(columns, types) {
    const make = objectMaker(columns);
    ORDERS.set(types, columns.map((column) => column.name));
    return (row) => {
      const made = make(row);
      new Origin(made, types);
      return made;
    };
  }

  // Libraries such as D3 take what has a length for an array: `frame[0]` is `frame.at(0)`. Only what a frame itself has not is
  // asked here, and a row is made each time.
  const place = (key) => (typeof key === "string" && /^(0|[1-9]\d*)$/.test(key) ? Number(key) : undefined);
  Object.setPrototypeOf(Frame.prototype, new Proxy(Object.prototype, {
    get: (target, key, frame) => (place(key) === undefined ? Reflect.get(target, key, frame) : frame.at(place(key))),
  }));

  /** @param {Column[]} columns @returns {(row: number) => Record<string, any>} */
  function objectMaker(columns) {
    const names = columns.map((column) => column.name);
    const reads = columns.map((column) => column.read);
    if (names.includes("__proto__")) {
      // An assignment would set the row's prototype.
      return (row) => Object.fromEntries(names.map((name, place) => [name, reads[place](row)]));
    }
    return (row) => {
      const made = {};
      for (let place = 0; place < names.length; place += 1) made[names[place]] = reads[place](row);
      return made;
    };
  }

  // ---- Arrow → Frame --------------------------------------------------------------------------------------------

  /**
   * @param {Uint8Array | ArrayBuffer} bytes  an Arrow IPC file or stream; a field's metadata `kql` tells its KQL type
   * @returns {Frame}
   */
  function fromArrow(bytes) {
    if (!Arrow) throw new TypeError("Apache Arrow is not loaded here: a frame cannot be read from Arrow");
    const given = bytes instanceof ArrayBuffer ? new Uint8Array(bytes) : bytes;
    const table = Arrow.tableFromIPC(given);
    const columns = table.schema.fields.map((field, place) => arrowColumn(field, table.getChildAt(place)));
    if (isFile(given)) FILES.set(table, given);
    return new Frame(columns, table.numRows, { bytes: given, table });
  }

  const FILES = new WeakMap(); // the bytes of tables that came as files: as they came, they may go back

  /** @returns {boolean} whether the bytes are an IPC file, not a stream */
  const isFile = (bytes) => String.fromCharCode(...bytes.subarray(0, 6)) === "ARROW1";

  /** @returns {Column} */
  function arrowColumn(field, vector) {
    const type = field.metadata.get("kql") ?? kqlTypeOf(field.type, field.name);
    const chunks = vector.data.filter((chunk) => chunk.length > 0);
    const isFiner = Arrow.DataType.isTimestamp(field.type) ? once(() => chunks.some(hasFinerTime)) : () => false;
    return { name: field.name, type, length: vector.length, read: vectorReader(field.type, type, chunks, field.name), isFiner };
  }

  /** @returns {KqlType} the KQL type of an Arrow type that does not tell it */
  function kqlTypeOf(type, name) {
    const is = Arrow.DataType;
    if (is.isDictionary(type)) return kqlTypeOf(type.dictionary, name);
    if (is.isBool(type)) return "bool";
    if (is.isInt(type)) return type.bitWidth === 64 || (type.bitWidth === 32 && !type.isSigned) ? "long" : "int";
    if (is.isFloat(type)) return "real";
    if (is.isDecimal(type)) return "decimal";
    if (is.isUtf8(type) || is.isLargeUtf8(type)) return "string";
    if (is.isTimestamp(type) || is.isDate(type)) return "datetime";
    if (is.isDuration(type)) return "timespan";
    if (is.isNull(type)) return "dynamic";
    throw new TypeError(`The column ${quoted(name)} is of the Arrow type ${type}, for which there is no type here`);
  }

  /** @returns {(row: number) => any} reads over the chunks of a column; a null is null */
  function vectorReader(type, kql, chunks, name) {
    const make = once(() => chunks.map((chunk) => chunkReader(type, kql, chunks, chunk, name)));
    const starts = [0];
    for (const chunk of chunks) starts.push(starts.at(-1) + chunk.length);
    let place = 0;
    let reads = null;
    return (row) => {
      reads ??= make();
      if (row < starts[place]) place = 0;
      while (row >= starts[place + 1]) place += 1;
      return reads[place](row - starts[place]);
    };
  }

  /** @returns {(row: number) => any} reads of one chunk */
  function chunkReader(type, kql, chunks, chunk, name) {
    const read = valueReader(type, kql, chunks, chunk, name);
    if (!chunk.nullCount || !chunk.nullBitmap) return read; // a column of the type Null has no bitmap
    const { nullBitmap, offset } = chunk;
    return (row) => (isSet(nullBitmap, offset + row) ? read(row) : null);
  }

  const isSet = (bitmap, bit) => ((bitmap[bit >> 3] >> (bit & 7)) & 1) === 1;

  /** @returns {(row: number) => any} reads values that are not null */
  function valueReader(type, kql, chunks, chunk, name) {
    const is = Arrow.DataType;
    const { values } = chunk;
    if (is.isDictionary(type)) return dictionaryReader(type, kql, chunk, name);
    if (is.isUtf8(type) || is.isLargeUtf8(type)) return kql === "dynamic" ? jsonReader(chunk) : textReader(chunk);
    if (is.isBool(type)) return (row) => isSet(values, chunk.offset + row);
    if (is.isInt(type) && type.bitWidth === 64) return longReader(type, chunks, chunk);
    if (is.isInt(type) || (is.isFloat(type) && type.precision !== Arrow.Precision.HALF)) return (row) => values[row];
    if (is.isTimestamp(type)) return (row) => new Date(milliseconds(words(values), row, type.unit));
    if (is.isDate(type)) return dateReader(type, values);
    if (is.isDuration(type)) return (row) => timespanText(nanoseconds(values[row], type.unit));
    if (is.isDecimal(type)) return (row) => decimalText(wideInteger(values, row, type.bitWidth / 32), type.scale);
    if (is.isNull(type)) return () => null;
    throw new TypeError(`The column ${quoted(name)} is of the Arrow type ${type}, which has no values in a row`);
  }

  function dictionaryReader(type, kql, chunk, name) {
    const read = vectorReader(type.dictionary, kql, chunk.dictionary.data, name);
    return (row) => read(Number(chunk.values[row]));
  }

  /** Reads texts; ASCII ones, where a byte is a character, some hundreds at a time. */
  function textReader({ valueOffsets, values, length }) {
    let first = 0;
    let end = 0;
    let base = 0;
    let text = null;
    const load = (row) => {
      first = row - (row % BLOCK);
      end = Math.min(first + BLOCK, length);
      base = Number(valueOffsets[first]);
      const bytes = values.subarray(base, Number(valueOffsets[end]));
      const decoded = UTF8.decode(bytes);
      text = decoded.length === bytes.length ? decoded : null;
    };
    return (row) => {
      if (row < first || row >= end) load(row);
      const start = Number(valueOffsets[row]);
      const stop = Number(valueOffsets[row + 1]);
      return text === null ? UTF8.decode(values.subarray(start, stop)) : text.slice(start - base, stop - base);
    };
  }

  function jsonReader(chunk) {
    const read = textReader(chunk);
    return (row) => dynamicValue(read(row));
  }

  /** The halves of 64-bit numbers. */
  const words = (values) => new Int32Array(values.buffer, values.byteOffset, values.byteLength / 4);

  /** Reads 64-bit integers: as Numbers when all of the column are exact, as BigInts else. */
  function longReader(type, chunks, { values }) {
    if (!chunks.every((chunk) => allSafe(type, chunk))) return (row) => values[row];
    const halves = words(values);
    return (row) => safeLong(type, halves, row);
  }

  const safeLong = (type, halves, row) =>
    (type.isSigned ? halves[2 * row + 1] : halves[2 * row + 1] >>> 0) * TWO_32 + (halves[2 * row] >>> 0);

  /** Whether a chunk's 64-bit integers are all within ±(2^53 - 1); what stands under a null does not count. */
  function allSafe(type, { values, length, nullCount, nullBitmap, offset }) {
    const halves = words(values);
    for (let row = 0; row < length; row += 1) {
      const isSafe = Number.isSafeInteger(safeLong(type, halves, row));
      if (!isSafe && (!nullCount || isSet(nullBitmap, offset + row))) return false;
    }
    return true;
  }

  // ---- times ------------------------------------------------------------------------------------------------------

  /** A 64-bit count as floored milliseconds: exact, in the halves' own range of a double. */
  function milliseconds(halves, row, unit) {
    const low = halves[2 * row] >>> 0;
    const high = halves[2 * row + 1];
    if (unit === Arrow.TimeUnit.SECOND) return (high * TWO_32 + low) * 1000;
    if (unit === Arrow.TimeUnit.MILLISECOND) return high * TWO_32 + low;
    if (unit === Arrow.TimeUnit.MICROSECOND) return high * 4_294_967 + Math.floor((high * 296 + low) / 1000);
    return high * 4294 + Math.floor((high * 967_296 + low) / 1_000_000);
  }

  /** Whether a timestamp of the chunk has digits below a millisecond. */
  function hasFinerTime({ type, values, length, nullCount, nullBitmap, offset }) {
    const [factor, divisor] = { 2: [296, 1000], 3: [967_296, 1_000_000] }[type.unit] ?? [0, 0];
    const halves = words(values);
    for (let row = 0; divisor && row < length; row += 1) {
      const isFiner = (halves[2 * row + 1] * factor + (halves[2 * row] >>> 0)) % divisor !== 0;
      if (isFiner && (!nullCount || isSet(nullBitmap, offset + row))) return true;
    }
    return false;
  }

  function dateReader(type, values) {
    if (type.unit === Arrow.DateUnit.DAY) return (row) => new Date(values[row] * 86_400_000);
    return (row) => new Date(Number(values[row]));
  }

  const nanoseconds = (count, unit) => count * 1000n ** BigInt(3 - unit);

  /** @param {bigint} total  nanoseconds @returns {string} `[-][d.]hh:mm:ss[.fffffff]` */
  function timespanText(total) {
    const size = total < 0n ? -total : total;
    const seconds = size / 1_000_000_000n;
    const [days, hours, minutes] = [seconds / 86_400n, (seconds / 3600n) % 24n, (seconds / 60n) % 60n];
    const clock = [hours, minutes, seconds % 60n].map((part) => String(part).padStart(2, "0")).join(":");
    const fraction = String(size % 1_000_000_000n).padStart(9, "0").replace(/0+$/, "");
    return `${total < 0n ? "-" : ""}${days ? `${days}.` : ""}${clock}${fraction ? `.${fraction}` : ""}`;
  }

  const TIMESPAN = /^(-)?(?:(\d+)\.)?(\d{1,2}):(\d{2}):(\d{2})(?:\.(\d{1,7}))?$/;

  /** @returns {bigint} the ticks of 100 ns of a timespan's text */
  function timespanTicks(text, where) {
    const parts = TIMESPAN.exec(text);
    if (!parts) throw new TypeError(`${where}: ${quoted(text)} is no timespan of the form [-][d.]hh:mm:ss[.fffffff]`);
    const [, sign, days, hours, minutes, seconds, fraction] = parts;
    const whole = ((BigInt(days ?? 0) * 24n + BigInt(hours)) * 60n + BigInt(minutes)) * 60n + BigInt(seconds);
    const ticks = whole * TICKS_A_SECOND + BigInt((fraction ?? "").padEnd(7, "0"));
    return sign ? -ticks : ticks;
  }

  const DATETIME = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.(\d{1,7}))?Z$/;

  /** @returns {[number, string]} the milliseconds since 1970 of a datetime's whole second, and its seven digits */
  function datetimeParts(text, where) {
    const parts = DATETIME.exec(text);
    const second = parts ? Date.parse(`${parts[1]}Z`) : NaN;
    if (Number.isNaN(second)) throw new TypeError(`${where}: ${quoted(text)} is no datetime of the form 2026-11-24T07:08:09.1234567Z`);
    return [second, (parts[2] ?? "").padEnd(7, "0")];
  }

  /** @returns {bigint} the ticks of 100 ns since 1970 of a datetime: a text of the envelope, or a Date */
  function datetimeTicks(value, where) {
    if (value instanceof Date) return BigInt(dateMilliseconds(value, where)) * 10_000n;
    const [second, digits] = datetimeParts(value, where);
    return BigInt(second) * 10_000n + BigInt(digits);
  }

  function dateOf(text, where) {
    const [second, digits] = datetimeParts(text, where);
    return new Date(second + Number(digits.slice(0, 3)));
  }

  /** The milliseconds of a Date that KQL can hold. */
  function dateMilliseconds(date, where) {
    const time = date.getTime();
    if (Number.isNaN(time)) throw new TypeError(`${where} is an invalid Date`);
    if (time < FIRST_MS || time > END_MS) throw new TypeError(`${where} is ${date.toISOString()}: datetimes end with the years 1 and 9999`);
    return time;
  }

  const isFinerText = (text) => typeof text === "string" && /\.\d{3}\d*[1-9]\d*Z$/.test(text);

  // ---- decimals -----------------------------------------------------------------------------------------------------

  /** @returns {bigint} a signed integer of some 32-bit words, the lowest first */
  function wideInteger(values, row, width) {
    let number = 0n;
    for (let word = width - 1; word >= 0; word -= 1) number = (number << 32n) | BigInt(values[row * width + word] >>> 0);
    return BigInt.asIntN(width * 32, number);
  }

  /** @returns {string} an integer with a decimal point before its last `scale` digits */
  function decimalText(number, scale) {
    const digits = String(number < 0n ? -number : number);
    const sign = number < 0n ? "-" : "";
    if (scale <= 0) return sign + digits + (number ? "0".repeat(-scale) : "");
    const padded = digits.padStart(scale + 1, "0");
    return `${sign}${padded.slice(0, -scale)}.${padded.slice(-scale)}`;
  }

  // ---- JSON, exact ----------------------------------------------------------------------------------------------------

  /** What a JSON text tells, an integer beyond ±(2^53 - 1) as a BigInt. */
  function parseJson(text) {
    if (!/\d{16}/.test(text)) return JSON.parse(text);
    let mark = "BigInt ";
    while (text.includes(mark)) mark += Math.random().toString(36).slice(2);
    const unmark = (_, value) =>
      typeof value === "string" && value.startsWith(mark) ? BigInt(value.slice(mark.length)) : value;
    return JSON.parse(markWideIntegers(text, mark), unmark);
  }

  /** The JSON text with its wide integers as texts that begin with a mark. */
  function markWideIntegers(text, mark) {
    const isWide = (token) => /^-?\d{16,}$/.test(token) && !Number.isSafeInteger(Number(token));
    const marked = (piece) =>
      piece.length < 16 ? piece : piece.replace(/-?\d[\d.eE+-]*/g, (token) => (isWide(token) ? `"${mark}${token}"` : token));
    const pieces = [];
    for (let start = 0; start < text.length; ) {
      const quote = text.indexOf('"', start);
      const end = quote < 0 ? text.length : quote;
      const next = quote < 0 ? end : stringEnd(text, quote);
      pieces.push(marked(text.slice(start, end)), text.slice(end, next));
      start = next;
    }
    return pieces.join("");
  }

  /** Where the string that begins at a quote is over. By hand: a regular expression runs out of stack on a long one. */
  function stringEnd(text, quote) {
    for (let end = text.indexOf('"', quote + 1); end >= 0; end = text.indexOf('"', end + 1)) {
      let backslashes = 0;
      while (text[end - 1 - backslashes] === "\\") backslashes += 1;
      if (backslashes % 2 === 0) return end + 1;
    }
    return text.length;
  }

  /** What the text of a dynamic tells; text that is no JSON is itself the value. */
  function dynamicValue(text) {
    try {
      return parseJson(text);
    } catch (error) {
      if (error instanceof SyntaxError || error instanceof RangeError) return text;
      throw error;
    }
  }

  /** The JSON text of a value of KQL's dynamic; a TypeError says what in it has none. */
  function jsonText(value, where, above = []) {
    if (value === null || value === undefined) return "null";
    if (typeof value === "boolean" || typeof value === "bigint") return String(value);
    if (typeof value === "string") return JSON.stringify(wellFormed(value, where));
    if (typeof value === "number") return jsonNumber(value, where);
    if (typeof value !== "object") throw new TypeError(`${where} holds a ${typeof value}, which cannot leave JavaScript`);
    if (above.includes(value)) throw new TypeError(`${where} refers to itself`);
    if (above.length > MAX_DEPTH) throw new TypeError(`${where} is nested deeper than ${MAX_DEPTH} levels`);
    return compoundText(value, where, [...above, value]);
  }

  /** Whether it is a typed array of fractions, also when all of them are whole. */
  const isReals = (value) => ["[object Float32Array]", "[object Float64Array]"].includes(Object.prototype.toString.call(value));

  function finite(number, where) {
    if (Number.isFinite(number)) return number;
    throw new TypeError(`${where} holds ${number}, for which JSON has no form; make it text or null first`);
  }

  function jsonNumber(number, where) {
    finite(number, where);
    return Number.isSafeInteger(number) && !Object.is(number, -0) ? String(number) : realText(number);
  }

  function compoundText(value, where, above) {
    const items = itemsOf(value);
    if (isReals(value)) return `[${Array.from(value, (item) => realText(finite(item, where))).join(",")}]`;
    if (items) return `[${Array.from(items, (item) => jsonText(item, where, above)).join(",")}]`;
    const entries = entriesOf(value, where);
    return `{${entries.map(([key, item]) => `${JSON.stringify(wellFormed(key, where))}:${jsonText(item, where, above)}`).join(",")}}`;
  }

  /** @returns {Iterable<any> | null} the items of an array, a typed array or a Set */
  function itemsOf(value) {
    if (Array.isArray(value) || value instanceof Set) return value;
    return ArrayBuffer.isView(value) && !(value instanceof DataView) ? value : null;
  }

  /** @returns {[string, any][]} the entries of a Map with keys of text, or of a plain object */
  function entriesOf(value, where) {
    if (value instanceof Map) {
      const other = [...value.keys()].find((key) => typeof key !== "string");
      if (other === undefined && !value.has(undefined)) return [...value];
      throw new TypeError(`${where} holds a Map with the key ${shown(other)}; keys must be text`);
    }
    if (isPlain(value)) return Object.entries(value);
    throw new TypeError(`${where} holds ${aKind(value)}, for which there is no type; make it text, a number or a plain object first`);
  }

  /** Whether it is an object of braces or of Object.create(null), also one of another window. */
  function isPlain(value) {
    if (value === null || typeof value !== "object" || itemsOf(value)) return false;
    const prototype = Object.getPrototypeOf(value);
    const isOfBraces = prototype === null || prototype === Object.prototype || Object.getPrototypeOf(prototype) === null;
    return isOfBraces && Object.prototype.toString.call(value) === "[object Object]";
  }

  /** A double that is read as a double again: with a point or an exponent. */
  function realText(number) {
    const text = Object.is(number, -0) ? "-0" : String(number);
    return /^-?\d+$/.test(text) ? `${text}.0` : text;
  }

  function wellFormed(text, where) {
    if (LONE_SURROGATE.test(text)) throw new TypeError(`${where} holds half of a surrogate pair, which is no text`);
    return text;
  }

  // ---- the envelope → Frame or value -----------------------------------------------------------------------------------

  /**
   * @param {string | object} envelope  of a table or of a value; as JSON text, wide integers in dynamic values stay exact, too
   * @returns {Frame | any}
   */
  function fromEnvelope(envelope) {
    const { kind, type, value, columns, rows } = typeof envelope === "string" ? parseJson(envelope) : envelope;
    if (kind === "value") return valueColumn({ name: "the value", type, cells: [wireCell(type, value)] }).read(0);
    if (kind !== "table") throw new TypeError(`An envelope is of the kind table or value, not ${shown(kind)}`);
    const cells = columns.map((column, place) => ({
      name: column.name,
      type: column.type,
      cells: rows.map((row) => wireCell(column.type, row[place])),
    }));
    return new Frame(cells.map(valueColumn), rows.length, { cells });
  }

  /** What an envelope's JSON tells, in the type of a cell: digits in quotes are a long, NaN in quotes a real. */
  function wireCell(type, wire) {
    if (typeof wire === "string" && type === "long") return longNumber(BigInt(wire));
    if ((typeof wire === "string" || typeof wire === "bigint") && type === "real") return Number(wire);
    return wire ?? null;
  }

  const longNumber = (wide) => (Number.isSafeInteger(Number(wide)) ? Number(wide) : wide);

  /** @param {Cells} column @returns {Column} */
  function valueColumn({ name, type, cells }) {
    const read = cellReader(type, cells, name);
    const isFiner = type === "datetime" ? once(() => cells.some(isFinerText)) : () => false;
    return { name, type, length: cells.length, read, isFiner };
  }

  function cellReader(type, cells, name) {
    if (type === "datetime") return (row) => (cells[row] === null ? null : dateOf(cells[row], quoted(name)));
    const isWide = type === "long" && cells.some((cell) => cell !== null && !Number.isSafeInteger(cell));
    return isWide ? (row) => (cells[row] === null ? null : BigInt(cells[row])) : (row) => cells[row];
  }

  /** Whether the datetime of a value's envelope has digits that its Date lacks. */
  function hasFinerTimes(envelope) {
    const { kind, type, value } = typeof envelope === "string" ? parseJson(envelope) : envelope;
    return kind === "value" && type === "datetime" && isFinerText(value);
  }

  // ---- JavaScript → the wire -------------------------------------------------------------------------------------------

  /**
   * @param {any} value
   * @param {string} name  of the variable, for an error's sentence
   * @returns {Encoded}
   */
  function encode(value, name = "the value") {
    if (value instanceof Frame) return Frame.encode(value, name);
    if (isArrowTable(value)) return encodeTable(value, name);
    const rows = rowsOf(value);
    if (rows) return encodeCells(cellsOf(rows, name), name);
    const [type, json] = encodeValue(value, name);
    return { kind: "value", json: `{"kind":"value","type":"${type}","value":${json}}` };
  }

  /** @returns {boolean} whether it is a Table of this or of another copy of apache-arrow */
  const isArrowTable = (value) =>
    value !== null && typeof value === "object" && typeof value.getChild === "function" &&
    Array.isArray(value.batches) && Array.isArray(value.schema?.fields);

  function encodeTable(table, name) {
    if (!Arrow) throw new TypeError(`${name} is an Arrow table, and Apache Arrow is not loaded here; make it an array of objects`);
    return { kind: "table", arrow: FILES.get(table) ?? Arrow.tableToIPC(table, "file") };
  }

  /** @returns {Record<string, any>[] | null} the rows of an array of at least one plain object or Arrow row, and of nothing else */
  function rowsOf(value) {
    if (!Array.isArray(value) || !value.length) return null;
    const isArrowRow = (row) => Arrow && row instanceof Arrow.StructRow;
    for (let row = 0; row < value.length; row += 1) {
      if (!isPlain(value[row]) && !isArrowRow(value[row])) return null;
    }
    return value.some(isArrowRow) ? value.map((row) => (isArrowRow(row) ? row.toJSON() : row)) : value;
  }

  /** @returns {[KqlType, string]} the type of a single value, and its JSON */
  function encodeValue(value, name) {
    if (value instanceof Promise) throw new TypeError(`${name} is a Promise; await it first`);
    const kind = kindOf(value);
    if (kind === "other") {
      throw new TypeError(`${name} is ${aKind(value)}, which cannot leave JavaScript; make it text, a number or a plain object first`);
    }
    const type = typeOfKinds(new Map([[kind, 0]]), [value], name);
    return [type, cellText(type, value ?? null, name)];
  }

  /** @returns {Cells[]} the columns of rows: the union of their keys, in the order of their frame, else as they are first seen */
  function cellsOf(rows, name) {
    const columns = new Map();
    rows.forEach((row, place) => {
      for (const key of Object.keys(row)) {
        if (!columns.has(key)) columns.set(key, new Array(rows.length).fill(null));
        columns.get(key)[place] = row[key] ?? null;
      }
      if (Object.getOwnPropertySymbols(row).length) {
        throw new TypeError(`${name}: row ${place} has a property under a symbol, which cannot be a column`);
      }
    });
    const origins = [...new Set(rows.map(Origin.of))];
    const names = new Set([...(ORDERS.get(origins[0]) ?? []).filter((key) => columns.has(key)), ...columns.keys()]);
    checkNames([...names], name);
    return [...names].map((key) => {
      const cells = columns.get(key);
      const type = originalType(origins, key, cells) ?? typeOfCells(cells, `${name}, column ${quoted(key)}`);
      return { name: key, type, cells };
    });
  }

  const GUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;
  const FITS = {
    bool: (cell) => typeof cell === "boolean",
    int: (cell) => Number.isInteger(cell) && Math.abs(cell + 0.5) < 2 ** 31 && !Object.is(cell, -0),
    long: (cell) => ["whole", "wide"].includes(kindOf(cell)),
    real: (cell) => typeof cell === "number",
    decimal: (cell) => typeof cell === "string" && DECIMAL.test(cell),
    string: (cell) => typeof cell === "string",
    datetime: (cell) => cell instanceof Date,
    timespan: (cell) => typeof cell === "string" && TIMESPAN.test(cell),
    guid: (cell) => typeof cell === "string" && GUID.test(cell),
    dynamic: (cell) => !["date", "other"].includes(kindOf(cell)),
  };

  /** @returns {KqlType | undefined} the type of a column in the frames that all of the rows came from, if its values still fit */
  function originalType(origins, name, cells) {
    const types = new Set(origins.map((types) => types && Object.hasOwn(types, name) && types[name]));
    const [type] = types;
    if (types.size !== 1 || !type) return undefined;
    return cells.every((cell) => cell === null || FITS[type](cell)) ? type : undefined;
  }

  function checkNames(names, name) {
    const seen = new Map();
    for (const label of names) {
      wellFormed(label, `${name}: the column name ${quoted(label)}`);
      if (!label || label.includes("\0")) throw new TypeError(`${name}: ${quoted(label)} cannot name a column`);
      const twin = seen.get(label.toLowerCase());
      if (twin !== undefined) throw new TypeError(`${name}: its columns ${quoted(twin)} and ${quoted(label)} differ only in case; rename one`);
      seen.set(label.toLowerCase(), label);
    }
  }

  /** @returns {KqlType} the one type of a column's values */
  function typeOfCells(cells, where) {
    const kinds = new Map();
    for (let row = 0; row < cells.length; row += 1) {
      const kind = kindOf(cells[row]);
      if (kind === "other") throw new TypeError(`${where}: row ${row} is ${aKind(cells[row])}, which cannot leave JavaScript`);
      if (!kinds.has(kind)) kinds.set(kind, row);
    }
    return typeOfKinds(kinds, cells, where);
  }

  /** @returns {"null"|"bool"|"whole"|"wide"|"real"|"text"|"date"|"json"|"other"} what a value is, towards KQL */
  function kindOf(value) {
    if (value === null || value === undefined) return "null";
    if (typeof value === "boolean") return "bool";
    if (typeof value === "bigint") return "wide";
    if (typeof value === "string") return "text";
    if (typeof value === "number") return Number.isSafeInteger(value) && !Object.is(value, -0) ? "whole" : "real";
    if (typeof value !== "object") return "other";
    if (value instanceof Date) return "date";
    return itemsOf(value) || value instanceof Map || isPlain(value) ? "json" : "other";
  }

  const KQL_TYPES = { bool: "bool", whole: "long", wide: "long", real: "real", text: "string", date: "datetime", json: "dynamic" };
  const SAID = { bool: "a boolean", whole: "a number", wide: "a BigInt", real: "a number", text: "text", date: "a Date", json: "an object or list" };

  /** @param {Map<string, number>} kinds  each kind with the first row of it @returns {KqlType} */
  function typeOfKinds(kinds, cells, where) {
    const found = [...kinds.keys()].filter((kind) => kind !== "null");
    if (!found.length) return "dynamic";
    const types = new Set(found.map((kind) => KQL_TYPES[kind]));
    if (types.size === 1) return KQL_TYPES[found[0]];
    if (types.size > 2 || !types.has("long") || !types.has("real")) {
      const held = found.map((kind) => `${SAID[kind]} (row ${kinds.get(kind)})`);
      throw new TypeError(`${where} is mixed: it holds ${held.slice(0, -1).join(", ")} and ${held.at(-1)}; make them one type`);
    }
    const inexact = cells.find((cell) => typeof cell === "bigint" && BigInt(Number(cell)) !== cell);
    if (inexact === undefined) return "real";
    throw new TypeError(`${where} holds fractions and the BigInt ${inexact}, which would lose digits as a real`);
  }

  /** @param {Cells[]} columns @returns {Encoded} */
  function encodeCells(columns, name) {
    if (!columns.length) throw new TypeError(`${name} has no columns: its rows have no property`);
    if (Arrow) return { kind: "table", arrow: Arrow.tableToIPC(tableOf(columns, name), "file") };
    const heads = columns.map((column) => `{"name":${JSON.stringify(column.name)},"type":"${column.type}"}`);
    const wheres = columns.map((column) => `${name}, column ${quoted(column.name)}`);
    const rows = columns[0].cells.map((_, row) =>
      `[${columns.map((column, place) => cellText(column.type, column.cells[row], wheres[place])).join(",")}]`);
    return { kind: "table", json: `{"kind":"table","columns":[${heads.join(",")}],"rows":[${rows.join(",")}]}` };
  }

  /** The JSON of a cell on the wire. */
  function cellText(type, cell, where) {
    if (cell === null) return "null";
    if (type === "dynamic") return jsonText(cell, where);
    if (type === "datetime") return `"${cell instanceof Date ? isoText(cell, where) : cell}"`;
    if (type === "long") return String(checkedLong(cell, where));
    if (type === "real") return Number.isFinite(Number(cell)) ? realText(Number(cell)) : `"${cell}"`;
    if (typeof cell === "string") return JSON.stringify(wellFormed(cell, where));
    return String(cell);
  }

  function isoText(date, where) {
    dateMilliseconds(date, where);
    return date.toISOString();
  }

  function checkedLong(number, where) {
    if (typeof number !== "bigint" || (number >= LONG_MIN && number <= LONG_MAX)) return number;
    throw new TypeError(`${where} holds ${number}, which does not fit in 64 bits; as text it may cross`);
  }

  // ---- cells → Arrow ---------------------------------------------------------------------------------------------------

  /** @param {Cells[]} columns @returns {object} an apache-arrow Table whose fields tell their KQL types */
  function tableOf(columns, name) {
    const children = columns.map((column) => arrowData(column, `${name}, column ${quoted(column.name)}`));
    const fields = columns.map((column, place) =>
      new Arrow.Field(column.name, children[place].type, true, new Map([["kql", column.type]])));
    const schema = new Arrow.Schema(fields);
    const length = columns.length ? columns[0].cells.length : 0;
    const struct = Arrow.makeData({ type: new Arrow.Struct(fields), length, nullCount: 0, children });
    return new Arrow.Table(schema, new Arrow.RecordBatch(schema, struct));
  }

  /** A column's buffers: made here, since Arrow's own builders compile code, which a page may forbid. */
  function arrowData({ type, cells }, where) {
    if (type === "bool") return plainData(new Arrow.Bool(), cells, bits(cells, (cell) => cell === true));
    if (type === "int") return plainData(new Arrow.Int32(), cells, Int32Array.from(cells, (cell) => cell ?? 0));
    if (type === "long") return plainData(new Arrow.Int64(), cells, BigInt64Array.from(cells, (cell) => BigInt(checkedLong(cell ?? 0, where))));
    if (type === "real") return plainData(new Arrow.Float64(), cells, Float64Array.from(cells, (cell) => Number(cell ?? 0)));
    if (type === "decimal") return decimalData(cells, where);
    if (type === "datetime") return ticksData(cells, (cell) => datetimeTicks(cell, where), Timestamps, where);
    if (type === "timespan") return ticksData(cells, (cell) => timespanTicks(cell, where), Durations, where);
    if (type === "dynamic") return textData(cells, cells.map((cell) => (cell === null ? "" : jsonText(cell, where))), where);
    return textData(cells, cells.map((cell) => cell ?? ""), where);
  }

  /** @returns {Uint8Array} a bit for each cell */
  function bits(cells, isOne) {
    const bitmap = new Uint8Array((cells.length + 7) >> 3);
    for (let row = 0; row < cells.length; row += 1) if (isOne(cells[row])) bitmap[row >> 3] |= 1 << (row & 7);
    return bitmap;
  }

  function plainData(type, cells, data, rest = {}) {
    let nullCount = 0;
    for (let row = 0; row < cells.length; row += 1) if (cells[row] === null) nullCount += 1;
    const nullBitmap = nullCount ? bits(cells, (cell) => cell !== null) : undefined;
    return Arrow.makeData({ type, length: cells.length, nullCount, nullBitmap, data, ...rest });
  }

  const Timestamps = { ns: () => new Arrow.TimestampNanosecond("UTC"), us: () => new Arrow.TimestampMicrosecond("UTC") };
  const Durations = { ns: () => new Arrow.DurationNanosecond(), us: () => new Arrow.DurationMicrosecond() };

  /** Times as nanoseconds, as microseconds where those are too narrow; finer ones raise then. */
  function ticksData(cells, ticksOf, types, where) {
    const ticks = cells.map((cell) => (cell === null ? 0n : ticksOf(cell)));
    const isWide = ticks.some((tick) => tick > MOST_TICKS || tick < -MOST_TICKS);
    if (!isWide) return plainData(types.ns(), cells, BigInt64Array.from(ticks, (tick) => tick * 100n));
    if (ticks.some((tick) => tick % 10n)) {
      throw new TypeError(`${where}: with times beyond the range of nanoseconds it counts microseconds, and some are finer`);
    }
    return plainData(types.us(), cells, BigInt64Array.from(ticks, (tick) => tick / 10n));
  }

  /** Decimals, in the narrowest type that holds all. */
  function decimalData(cells, where) {
    const parts = cells.map((cell) => (cell === null ? ["", "0", ""] : decimalParts(cell, where)));
    const scale = Math.max(0, ...unique(parts.map(([, , fraction]) => fraction.length)));
    const precision = Math.max(1, ...unique(parts.map(([, whole]) => whole.length))) + scale;
    if (precision > 76) throw new TypeError(`${where} needs ${precision} digits, and Arrow holds 76`);
    const width = precision > 38 ? 8 : 4;
    const data = new Uint32Array(cells.length * width);
    parts.forEach(([sign, whole, fraction], row) => {
      let number = BigInt(sign + whole + fraction.padEnd(scale, "0"));
      for (let word = 0; word < width; word += 1, number >>= 32n) data[row * width + word] = Number(BigInt.asUintN(32, number));
    });
    return plainData(new Arrow.Decimal(scale, precision, width * 32), cells, data);
  }

  const DECIMAL = /^(-?)0*(\d+)(?:\.(\d+))?$/;

  function decimalParts(text, where) {
    const parts = DECIMAL.exec(text);
    if (!parts) throw new TypeError(`${where}: ${quoted(text)} is no decimal`);
    return [parts[1], parts[2], parts[3] ?? ""];
  }

  const unique = (values) => [...new Set(values)];

  /** Texts as UTF-8; ASCII ones, where a character is a byte, many at a time. */
  function textData(cells, texts, where) {
    const encoder = new TextEncoder();
    const valueOffsets = new Int32Array(texts.length + 1);
    const pieces = [];
    for (let first = 0; first < texts.length; first += BLOCK) {
      const block = texts.slice(first, first + BLOCK);
      const joined = block.join("");
      const bytes = encoder.encode(joined);
      const isAscii = bytes.length === joined.length;
      block.forEach((text, place) => {
        const size = isAscii ? text.length : utf8Length(wellFormed(text, where));
        valueOffsets[first + place + 1] = valueOffsets[first + place] + size;
      });
      if (valueOffsets[first + block.length] < 0) throw new TypeError(`${where} holds more than 2 GB of text`);
      pieces.push(bytes);
    }
    return plainData(new Arrow.Utf8(), cells, joinBytes(pieces), { valueOffsets });
  }

  /** How many bytes a text without lone surrogates takes. */
  function utf8Length(text) {
    let size = text.length;
    for (let place = 0; place < text.length; place += 1) {
      const unit = text.charCodeAt(place);
      if (unit >= 0x80) size += unit >= 0x800 && (unit < 0xd800 || unit > 0xdfff) ? 2 : 1; // a pair takes four
    }
    return size;
  }

  function joinBytes(pieces) {
    const joined = new Uint8Array(pieces.reduce((size, piece) => size + piece.length, 0));
    let start = 0;
    for (const piece of pieces) {
      joined.set(piece, start);
      start += piece.length;
    }
    return joined;
  }

  // ---- words -----------------------------------------------------------------------------------------------------------

  const quoted = (text) => JSON.stringify(String(text));
  const shown = (value) => (typeof value === "string" ? quoted(value) : String(value));

  /** What a value is, for an error's sentence. */
  function aKind(value) {
    return typeof value === "object" ? `an object of the class ${value.constructor?.name || "without a name"}` : `a ${typeof value}`;
  }

  /** A function that works at its first call and remembers. */
  function once(work) {
    let made;
    return () => (made ??= { value: work() }).value;
  }

  return { Frame, fromArrow, fromEnvelope, encode, hasFinerTimes };
})
