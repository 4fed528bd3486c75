/** MongoDB's addresses: what can't be one, and no password in what is said of it. */
import { describe, expect, test } from "bun:test";
import { loadConfig } from "../../../core/config/load.ts";
import { addressProblem } from "../../../core/config/mongo-address.ts";

const PASSWORD = "S3CR3T";

test.each([
  "mongodb://h",
  "mongodb+srv://h",
  "mongodb://a:1,b:2/db?replicaSet=rs0",
  "mongodb://me@h",
  `mongodb://me:${encodeURIComponent("p@:/?#[]%")}@h:1/?x=1`,
  "mongodb://%2Ftmp%2Fmongodb.sock/",
  "mongodb://me:p%20w;$&=+,!@[::1]:27017/",
])("%s can be parsed", (address) => {
  expect(addressProblem(address)).toBeUndefined();
});

describe.each(["target.address", "checkpoint.address"])("%s", (key) => {
  test.each([":", "/", "?", "#", "%", "@", "[", "]", "%4", "%zz", "@@"])(
    "a password with %s in it is refused before it is parsed, and none of it is shown",
    (text) => {
      const set = {
        "target.address": "mongodb://h",
        [key]: `mongodb://me:${PASSWORD}${text}${PASSWORD}@host.example.com/`,
      };
      try {
        loadConfig({ set });
        throw new Error("it wasn't refused");
      } catch (error) {
        const message = String((error as Error).message);
        expect(error).toMatchObject({ code: "CONFIG_INVALID", exit: 2 });
        expect(message).toStartWith(key);
        expect(message).toContain("%40");
        expect(message).not.toContain(PASSWORD);
      }
    },
  );
});

test.each(["", "h", "http://h", "mongodb:/h", "mongodb://"])("%j has no scheme of MongoDB's", (address) => {
  expect(addressProblem(address)).toContain("mongodb://");
});
