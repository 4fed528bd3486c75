/** Bytes with a meaning in DynamoDB's JSON. */

export const SPACE = 0x20;
export const QUOTE = 0x22;
export const COMMA = 0x2c;
export const MINUS = 0x2d;
export const POINT = 0x2e;
export const ZERO = 0x30;
export const NINE = 0x39;
export const COLON = 0x3a;
export const OPEN_LIST = 0x5b;
export const BACKSLASH = 0x5c;
export const CLOSE_LIST = 0x5d;
export const OPEN = 0x7b;
export const CLOSE = 0x7d;

// The types' names.
export const B = 0x42;
export const L = 0x4c;
export const M = 0x4d;
export const N = 0x4e;
export const S = 0x53;
