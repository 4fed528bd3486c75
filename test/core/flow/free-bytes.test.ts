/** Memory that is given back at once. */
import { expect, test } from "bun:test";
import { freeBytes } from "../../../core/flow/free-bytes.ts";

test("bytes that have their memory for themselves are gone", () => {
  const bytes = new Uint8Array(1000).fill(7);
  freeBytes(bytes);
  expect([bytes.length, bytes.buffer.byteLength]).toEqual([0, 0]);
  freeBytes(bytes);
});

test("a part of something stays as it is", () => {
  const whole = new Uint8Array(1000).fill(7);
  freeBytes(whole.subarray(1));
  freeBytes(whole.subarray(0, 999));
  expect(whole).toEqual(new Uint8Array(1000).fill(7));
});
