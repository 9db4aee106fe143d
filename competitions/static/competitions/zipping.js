// A folder, or several files, as one zip that packs nothing. The browser reads each file once for
// its checksum; the archive itself is made of references, so gigabytes cost no memory.
// The form: PKWARE's APPNOTE 6.3.10, sections 4.3 and 4.4, with ZIP64 for many or large files.

const PIECE = 4 * 1024 * 1024;
const LARGE = 0xffffffff;
const MANY = 0xffff;
const DATE = 0x0021; // 1 January 1980
const UTF8 = 0x0800;

const TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  let value = n;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? 0xedb88320 ^ (value >>> 1) : value >>> 1;
  return value;
});

async function checksum(file) {
  let sum = -1;
  for (let at = 0; at < file.size; at += PIECE) {
    const bytes = new Uint8Array(await file.slice(at, at + PIECE).arrayBuffer());
    for (const byte of bytes) sum = TABLE[(sum ^ byte) & 0xff] ^ (sum >>> 8);
  }
  return (sum ^ -1) >>> 0;
}

// Numbers behind each other, each with its length in bytes: 2, 4 or 8.
function record(...fields) {
  const view = new DataView(new ArrayBuffer(fields.reduce((sum, [size]) => sum + size, 0)));
  let at = 0;
  for (const [size, value] of fields) {
    if (size === 2) view.setUint16(at, value, true);
    else if (size === 4) view.setUint32(at, value, true);
    else view.setBigUint64(at, BigInt(value), true);
    at += size;
  }
  return new Uint8Array(view.buffer);
}

const common = (entry, name) => [
  [2, UTF8], [2, 0], [2, 0], [2, DATE], [4, entry.sum], [4, entry.size], [4, entry.size],
  [2, name.length],
];

function local(entry, name) {
  return record([4, 0x04034b50], [2, 20], ...common(entry, name), [2, 0]);
}

function listed(entry, name) {
  const far = entry.offset >= LARGE;
  const extra = far ? record([2, 1], [2, 8], [8, entry.offset]) : new Uint8Array();
  const head = record(
    [4, 0x02014b50], [2, 45], [2, far ? 45 : 20], ...common(entry, name), [2, extra.length],
    [2, 0], [2, 0], [2, 0], [4, 0], [4, far ? LARGE : entry.offset],
  );
  return [head, name, extra];
}

function end(count, size, offset) {
  const last = record(
    [4, 0x06054b50], [2, 0], [2, 0], [2, Math.min(count, MANY)], [2, Math.min(count, MANY)],
    [4, Math.min(size, LARGE)], [4, Math.min(offset, LARGE)], [2, 0],
  );
  if (count < MANY && offset + size < LARGE) return [last];
  const wide = record(
    [4, 0x06064b50], [8, 44], [2, 45], [2, 45], [4, 0], [4, 0], [8, count], [8, count],
    [8, size], [8, offset],
  );
  return [wide, record([4, 0x07064b50], [4, 0], [8, offset + size], [4, 1]), last];
}

// `files` are [path, File]; `told` hears how many are read.
export async function zipped(files, told = () => {}) {
  const parts = [];
  const list = [];
  let offset = 0;
  for (const [number, [path, file]] of files.entries()) {
    const name = new TextEncoder().encode(path);
    const entry = { sum: await checksum(file), size: file.size, offset };
    parts.push(local(entry, name), name, file);
    list.push(...listed(entry, name));
    offset += 30 + name.length + file.size;
    told(number + 1, files.length);
  }
  const size = list.reduce((sum, part) => sum + part.length, 0);
  return new Blob([...parts, ...list, ...end(files.length, size, offset)]);
}
