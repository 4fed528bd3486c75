/** DynamoDB's decimal numbers as text. */

/** A number taken apart: value = ± digits × 10^exponent, digits without zeros at either end. */
export interface Decimal {
  negative: boolean;
  /** "" for zero. */
  digits: string;
  exponent: number;
}

/** A decimal, with or without fraction and exponent; one of the two in front of the exponent is there. */
export const DECIMAL: RegExp = /^([+-]?)(?=\.?\d)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d+))?$/;

/**
 * Takes a decimal number apart.
 *
 * @param text a decimal, with or without fraction and exponent
 * @throws RangeError when it is no number
 */
export function parseDecimal(text: string): Decimal {
  const match = DECIMAL.exec(text);
  if (match === null) throw new RangeError(`${JSON.stringify(text)} is no number`);
  const whole = match[2]!;
  const fraction = match[3] ?? "";
  const all = (whole + fraction).replace(/^0+/, "");
  const digits = all.replace(/0+$/, "");
  const exponent = Number(match[4] ?? 0) - fraction.length + (all.length - digits.length);
  return { negative: match[1] === "-" && digits !== "", digits, exponent: digits === "" ? 0 : exponent };
}

/**
 * A number as DynamoDB writes it: no exponent, no zeros that say nothing. Not every server that speaks its protocol
 * finds a key under another spelling.
 *
 * @throws RangeError when it is no number
 */
export function plainDecimal(text: string): string {
  const { negative, digits, exponent } = parseDecimal(text);
  const sign = negative ? "-" : "";
  if (exponent >= 0) return digits === "" ? "0" : sign + digits + "0".repeat(exponent);
  const padded = digits.padStart(1 - exponent, "0");
  return `${sign}${padded.slice(0, exponent)}.${padded.slice(exponent)}`;
}
