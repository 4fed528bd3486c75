/** What a target promises of a table's place: looking, finding, making room, making. */
import assert from "node:assert/strict";
import type { Target } from "../../core/plugin/roles.ts";
import type { ContractCase } from "./case.ts";
import { someItems } from "./items.ts";
import { assertAll } from "./same.ts";
import type { TargetAbilities, TargetContract } from "./target-options.ts";
import { withScene } from "./target-scene.ts";

const METHODS = [
  ["apply", "apply"],
  ["keys", "keys"],
  ["sample", "sample"],
  ["encoded", "writeEncoded"],
] as const satisfies [keyof TargetAbilities, keyof Target][];

/** The cases. */
export function placeCases(options: TargetContract): ContractCase[] {
  const { can } = options;
  return [
    {
      name: "a target has what it is said to be able to, and nothing else",
      run: () =>
        withScene(options, async ({ open, place }) => {
          const { target } = await open();
          assert.match(target.place, /\w/, "place doesn't say anything");
          for (const [ability, method] of METHODS) {
            const has = typeof target[method] === "function";
            assert.equal(has, can[ability] ?? false, `can.${ability} isn't what the target has: ${method}`);
          }
          assert.equal(
            target.stored !== undefined,
            can.stored ?? false,
            "can.stored isn't what the target has",
          );
          const removes = target.stored?.remove !== undefined;
          assert.equal(removes, can.remove ?? false, "can.remove isn't what the target has: stored.remove");
          const guards = target.guardsKeys ?? false;
          assert.equal(guards, can.guardsKeys ?? false, "can.guardsKeys isn't what the target says");
          assert.equal(place.kept !== undefined, can.rename ?? false, "can.rename needs the place's kept");
        }),
    },
    {
      name: "check changes nothing",
      run: () =>
        withScene(options, async ({ open, table, stored }) => {
          const [orders, other] = [table("orders"), table("other")];
          const first = await open();
          await first.target.check([orders, other], first.ctx.signal);
          const made = await first.begin(orders);
          const items = someItems(orders, 0, 3);
          await first.write(orders, items);
          const next = await open({ "target.db.exist": "drop" });
          await next.target.inspect?.([orders, other], next.ctx.signal);
          await next.target.check([orders, other], next.ctx.signal);
          await next.target.check([orders, other], next.ctx.signal);
          assert.equal(await next.target.find(orders, next.ctx.signal), made);
          assert.equal(await next.target.find(other, next.ctx.signal), undefined);
          await stored(orders, items);
        }),
    },
    {
      name: "find gives nothing before create, and always the same after it, in another process too",
      run: () =>
        withScene(options, async ({ open, table }) => {
          const orders = table("orders", ["pk", "sk:N"]);
          const first = await open();
          const made = await first.begin(orders);
          const same = async (when: string, { target, ctx } = first): Promise<void> => {
            const found = await target.find(orders, ctx.signal);
            assert.equal(found, made, `find gives another identifier ${when}`);
          };
          await same("when it is asked again");
          await same("in another process", await open());
          await first.write(orders, someItems(orders, 0, 5));
          await same("after a write");
          await first.index(orders);
          await same("after the indexes");
          await first.ctx[Symbol.asyncDispose]();
          await same("in another process after the end", await open());
        }),
    },
    {
      name: "makeRoom with target.db.exist = drop drops that table; one made anew is found as another",
      run: () =>
        withScene(options, async ({ open, table, stored }) => {
          const [orders, other] = [table("orders"), table("orders.0")];
          const first = await open();
          const made = await first.begin(orders);
          await first.begin(other);
          await first.write(orders, someItems(orders, 0, 5));
          await first.write(other, someItems(other, 0, 7));
          for (const each of [orders, other]) await first.index(each);
          await first.ctx[Symbol.asyncDispose]();

          const next = await open({ "target.db.exist": "drop" });
          await next.target.check([orders], next.ctx.signal);
          assert.equal(await next.target.find(orders, next.ctx.signal), made);
          await next.target.makeRoom(orders, next.ctx.signal);
          await stored(orders, [], "after makeRoom");
          assert.notEqual(await next.begin(orders), made, "find gives the identifier of what was dropped");
          await stored(orders, [], "what is made anew");
          await next.write(orders, someItems(orders, 3, 4));
          await next.index(orders);
          await stored(orders, someItems(orders, 3, 4));
          await stored(other, someItems(other, 0, 7), "another table");
        }),
    },
    can.rename ? renames(options) : refusesToRename(options),
    {
      name: "create takes an empty one that an earlier process had made",
      run: () =>
        withScene(options, async ({ open, table, stored }) => {
          const orders = table("orders");
          await (await open()).begin(orders);
          const next = await open();
          await next.target.check([orders], next.ctx.signal);
          await next.target.create(orders, next.ctx.signal);
          assert.notEqual(await next.target.find(orders, next.ctx.signal), undefined);
          await next.write(orders, someItems(orders, 0, 5));
          await next.index(orders);
          await next.ctx[Symbol.asyncDispose]();
          await stored(orders, someItems(orders, 0, 5));
        }),
    },
  ];
}

function renames(options: TargetContract): ContractCase {
  return {
    name: "makeRoom with target.db.exist = rename keeps what is there under another name",
    run: () =>
      withScene(options, async ({ open, place, table, stored }) => {
        const orders = table("orders");
        const before = someItems(orders, 0, 5);
        const first = await open();
        await first.begin(orders);
        await first.write(orders, before);
        await first.index(orders);
        await first.ctx[Symbol.asyncDispose]();

        const next = await open({ "target.db.exist": "rename" });
        await next.target.check([orders], next.ctx.signal);
        await next.target.makeRoom(orders, next.ctx.signal);
        await next.begin(orders);
        await next.write(orders, someItems(orders, 3, 4, 2));
        await next.index(orders);
        await stored(orders, someItems(orders, 3, 4, 2));
        const expected = before.map((item) => options.expected(item, orders));
        assertAll(await place.kept!(orders), expected, "what was kept");
      }),
  };
}

function refusesToRename(options: TargetContract): ContractCase {
  return {
    name: "target.db.exist = rename, which the target can't, is refused and nothing is lost",
    run: () =>
      withScene(options, async ({ open, table, stored }) => {
        const orders = table("orders");
        const first = await open();
        await first.begin(orders);
        await first.write(orders, someItems(orders, 0, 5));
        await first.index(orders);
        await first.ctx[Symbol.asyncDispose]();

        await assert.rejects(async () => {
          const next = await open({ "target.db.exist": "rename" });
          await next.target.check([orders], next.ctx.signal);
          await next.target.makeRoom(orders, next.ctx.signal);
        }, "makeRoom does something else than what target.db.exist = rename asks for");
        await stored(orders, someItems(orders, 0, 5));
      }),
  };
}
