/** Statements of many in few commands. */
import { expect, test } from "bun:test";
import { createBatches } from "../../../../plugins/checkpoint/mongodb/batches.ts";

/** Commands that are answered by hand. */
function commands(most: number) {
  const sent: { statements: string[]; answer: PromiseWithResolvers<void> }[] = [];
  const ends = new Map<string, string>();
  const add = createBatches<string>(most, (statements) => {
    const answer = Promise.withResolvers<void>();
    sent.push({ statements: [...statements], answer });
    return answer.promise;
  });
  const settle = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));
  function save(...statements: string[]): void {
    add(statements).then(
      () => ends.set(statements[0]!, "saved"),
      (error: Error) => ends.set(statements[0]!, error.message),
    );
  }
  return { sent, ends, save, settle };
}

test("who comes in one turn goes together, who comes later by itself while few are on their way", async () => {
  const { sent, save, settle } = commands(2);
  save("a", "b");
  save("c");
  await settle();
  save("d");
  await settle();
  expect(sent.map(({ statements }) => statements)).toEqual([["a", "b", "c"], ["d"]]);
});

test("while as many as may be are on their way the others wait, and go together in their order", async () => {
  const { sent, ends, save, settle } = commands(1);
  save("a");
  await settle();
  for (const each of ["b", "c", "d"]) {
    save(each);
    await settle();
  }
  expect(sent).toHaveLength(1);
  expect(ends.size).toBe(0);
  sent[0]!.answer.resolve();
  await settle();
  expect(sent[1]!.statements).toEqual(["b", "c", "d"]);
  expect([...ends.keys()]).toEqual(["a"]);
  sent[1]!.answer.resolve();
  await settle();
  expect([...ends.keys()]).toEqual(["a", "b", "c", "d"]);
});

test("what a command fails with is told to all whose statements it had, and to nobody else", async () => {
  const { sent, ends, save, settle } = commands(1);
  for (const each of ["a", "b"]) save(each);
  await settle();
  save("c");
  sent[0]!.answer.reject(new Error("away"));
  await settle();
  sent[1]!.answer.resolve();
  await settle();
  expect(Object.fromEntries(ends)).toEqual({ a: "away", b: "away", c: "saved" });
});
