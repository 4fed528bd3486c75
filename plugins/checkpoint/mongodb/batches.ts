/** What many ask for at once, sent in few commands: a command costs many times what a statement in it costs. */
import { setImmediate } from "node:timers";

/**
 * Sends at once while few are on their way; what comes meanwhile goes together with the next.
 *
 * @param most so many are on their way at most
 * @param send resolves when all of them are executed; what it fails with, all who gave some are told
 * @returns takes statements, in their order; resolves when they are executed
 */
export function createBatches<Statement>(
  most: number,
  send: (statements: Statement[]) => Promise<void>,
): (statements: readonly Statement[]) => Promise<void> {
  let onTheWay = 0;
  let next: { statements: Statement[]; sent: PromiseWithResolvers<void> } | undefined;

  function start(): void {
    if (next === undefined || onTheWay >= most) return;
    const { statements, sent } = next;
    next = undefined;
    onTheWay++;
    send(statements)
      .then(sent.resolve, sent.reject)
      .finally(() => {
        onTheWay--;
        start();
      });
  }

  return (statements) => {
    next ??= { statements: [], sent: Promise.withResolvers() };
    for (const each of statements) next.statements.push(each);
    const { promise } = next.sent;
    // Those who come in the same turn of the event loop go together.
    setImmediate(start);
    return promise;
  };
}
