/** A strict BSON reader of its own, so that the tests don't trust the code under test nor the driver. */

/** A field: its name, its BSON type and its value; documents and arrays hold fields. */
export type Field = [name: string, type: string, value: unknown];

/** Takes a document apart; complains about any length, terminator or type that isn't as it must be. */
export function readDocument(bytes: Uint8Array): Field[] {
  const data = Buffer.from(bytes);
  const { fields, end } = fieldsAt(data, 0);
  if (end !== data.length) throw new Error(`${data.length - end} bytes behind the document`);
  return fields;
}

function fieldsAt(data: Buffer, start: number): { fields: Field[]; end: number } {
  const end = start + data.readInt32LE(start);
  if (data[end - 1] !== 0) throw new Error(`the document at ${start} doesn't end with a NUL`);
  const fields: Field[] = [];
  let at = start + 4;
  while (at < end - 1) {
    const type = data[at++]!;
    const nameEnd = data.indexOf(0, at);
    const name = utf8(data.subarray(at, nameEnd));
    const read = READERS[type];
    if (read === undefined) throw new Error(`the type ${type} of ${name} isn't known`);
    const [typeName, value, next] = read(data, nameEnd + 1);
    fields.push([name, typeName, value]);
    at = next;
  }
  if (at !== end - 1) throw new Error(`the document at ${start} ends at ${at}, not at ${end - 1}`);
  return { fields, end };
}

const READERS: Record<number, (data: Buffer, at: number) => [type: string, value: unknown, end: number]> = {
  1: (data, at) => ["double", data.readDoubleLE(at), at + 8],
  2: (data, at) => {
    const end = at + 4 + data.readInt32LE(at);
    if (data[end - 1] !== 0) throw new Error(`the string at ${at} doesn't end with a NUL`);
    return ["string", utf8(data.subarray(at + 4, end - 1)), end];
  },
  3: (data, at) => {
    const { fields, end } = fieldsAt(data, at);
    return ["document", fields, end];
  },
  4: (data, at) => {
    const { fields, end } = fieldsAt(data, at);
    fields.forEach(([name], i) => {
      if (name !== String(i)) throw new Error(`the array at ${at} has ${name} where ${i} should be`);
    });
    return ["array", fields.map(([, type, value]) => [type, value]), end];
  },
  5: (data, at) => {
    const end = at + 5 + data.readInt32LE(at);
    return [`binary ${data[at + 4]}`, data.subarray(at + 5, end).toString("hex"), end];
  },
  7: (data, at) => ["objectId", data.subarray(at, at + 12).toString("hex"), at + 12],
  8: (data, at) => {
    if (data[at]! > 1) throw new Error(`the boolean at ${at} is ${data[at]}`);
    return ["bool", data[at] === 1, at + 1];
  },
  10: (_data, at) => ["null", null, at],
  16: (data, at) => ["int32", data.readInt32LE(at), at + 4],
  18: (data, at) => ["int64", data.readBigInt64LE(at), at + 8],
  19: (data, at) => ["decimal128", decimalText(data.subarray(at, at + 16)), at + 16],
};

function utf8(bytes: Uint8Array): string {
  return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
}

/** A Decimal128's parts: value = ± coefficient × 10^exponent. */
export function decimalParts(bytes: Uint8Array): { coefficient: bigint; exponent: number } {
  const bits = BigInt(`0x${Buffer.from(bytes.toReversed()).toString("hex")}`);
  const high = Number(bits >> 113n) & 0x7fff;
  if ((high & 0x3000) === 0x3000) throw new Error("not a finite Decimal128 in its usual form");
  const coefficient = bits & ((1n << 113n) - 1n);
  return { coefficient: bits >> 127n === 1n ? -coefficient : coefficient, exponent: (high & 0x3fff) - 6176 };
}

/** As `<coefficient>e<exponent>`, which keeps apart what is equal in value: 15e-1 and 150e-2. */
function decimalText(bytes: Uint8Array): string {
  const { coefficient, exponent } = decimalParts(bytes);
  return `${coefficient}e${exponent}`;
}
