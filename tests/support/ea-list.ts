/** A packed list of FILE_FULL_EA_INFORMATION, entries in the order given. Names and values are bytes as Latin-1. */
export function eaList(entries: Readonly<Record<string, string>>, flags = 0): Uint8Array {
  const all = Object.entries(entries);
  const parts = all.map(([name, value], index) => {
    const bytes = 8 + name.length + 1 + value.length;
    const isLast = index === all.length - 1;
    const part = Buffer.alloc(isLast ? bytes : Math.ceil(bytes / 4) * 4);
    part.writeUInt32LE(isLast ? 0 : part.length, 0);
    part.writeUInt8(flags, 4);
    part.writeUInt8(name.length, 5);
    part.writeUInt16LE(value.length, 6);
    part.write(name, 8, 'latin1');
    part.write(value, 8 + name.length + 1, 'latin1');
    return part;
  });
  return new Uint8Array(Buffer.concat(parts));
}
