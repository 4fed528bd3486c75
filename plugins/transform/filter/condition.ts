/** Conditions on items, in the form of DynamoDB's condition expressions, as predicates. */
import type { AttributeValue, Item } from "../../../core/types.ts";
import { bytes, compareValues, equalValues, members } from "./compare.ts";

/** An attribute's name, then names in maps and places in lists. */
export type Path = (string | number)[];

/** What is compared: an attribute, its size, or a literal. */
export type Operand = { path: Path } | { size: Path } | { value: AttributeValue };

/** How two operands are compared. */
export type Comparator = "=" | "<>" | "<" | "<=" | ">" | ">=";

/** A condition taken apart. */
export type Condition =
  | { is: "and" | "or"; of: Condition[] }
  | { is: "not"; of: Condition }
  | { is: "compare"; by: Comparator; left: Operand; right: Operand }
  | { is: "between"; operand: Operand; low: Operand; high: Operand }
  | { is: "in"; operand: Operand; list: Operand[] }
  | { is: "attribute_exists" | "attribute_not_exists"; path: Path }
  | { is: "attribute_type"; path: Path; type: keyof AttributeValue }
  | { is: "begins_with" | "contains"; path: Path; operand: Operand };

type Getter = (item: Item) => AttributeValue | undefined;
type Predicate = (item: Item) => boolean;

/**
 * Makes the predicate of a condition. It means what it does in DynamoDB: what concerns a missing attribute, or
 * compares two types, is false, but `<>` is the opposite of `=`. It reads only the attributes that it names, each
 * as a plain property.
 */
export function compileCondition(condition: Condition): Predicate {
  switch (condition.is) {
    case "and": {
      const all = condition.of.map(compileCondition);
      return (item) => all.every((each) => each(item));
    }
    case "or": {
      const any = condition.of.map(compileCondition);
      return (item) => any.some((each) => each(item));
    }
    case "not": {
      const inner = compileCondition(condition.of);
      return (item) => !inner(item);
    }
    case "compare":
      return binary(condition.left, condition.right, COMPARISONS[condition.by]);
    case "between": {
      const atLeast = binary(condition.low, condition.operand, COMPARISONS["<="]);
      const atMost = binary(condition.operand, condition.high, COMPARISONS["<="]);
      return (item) => atLeast(item) && atMost(item);
    }
    case "in": {
      const any = condition.list.map((each) => binary(condition.operand, each, COMPARISONS["="]));
      return (item) => any.some((each) => each(item));
    }
    case "contains":
      return binary(condition, condition.operand, contains);
    case "begins_with":
      return binary(condition, condition.operand, beginsWith);
    case "attribute_type": {
      const { type } = condition;
      return existing(condition.path, (value) => value !== undefined && value[type] !== undefined);
    }
    case "attribute_exists":
      return existing(condition.path, (value) => value !== undefined);
    case "attribute_not_exists":
      return existing(condition.path, (value) => value === undefined);
  }
}

type Relation = (a: AttributeValue | undefined, b: AttributeValue | undefined) => boolean;

const isEqual: Relation = (a, b) => a !== undefined && b !== undefined && equalValues(a, b);

const ordered =
  (holds: (order: number) => boolean): Relation =>
  (a, b) => {
    const order = a && b && compareValues(a, b);
    return order !== undefined && holds(order);
  };

const COMPARISONS: Record<Comparator, Relation> = {
  "=": isEqual,
  "<>": (a, b) => !isEqual(a, b),
  "<": ordered((order) => order < 0),
  "<=": ordered((order) => order <= 0),
  ">": ordered((order) => order > 0),
  ">=": ordered((order) => order >= 0),
};

const contains: Relation = (a, b) => {
  if (a === undefined || b === undefined) return false;
  if (a.S !== undefined) return b.S !== undefined && a.S.includes(b.S);
  if (a.B !== undefined) return b.B !== undefined && bytes(a.B).includes(bytes(b.B));
  return members(a)?.some((member) => equalValues(member, b)) ?? false;
};

const beginsWith: Relation = (a, b) => {
  if (a?.S !== undefined) return b?.S !== undefined && a.S.startsWith(b.S);
  if (a?.B === undefined || b?.B === undefined) return false;
  const start = bytes(b.B);
  return bytes(a.B).subarray(0, start.length).equals(start);
};

function binary(left: Operand, right: Operand, relation: Relation): Predicate {
  const [a, b] = [operandOf(left), operandOf(right)];
  return (item) => relation(a(item), b(item));
}

function existing(path: Path, holds: (value: AttributeValue | undefined) => boolean): Predicate {
  const get = attribute(path);
  return (item) => holds(get(item));
}

function operandOf(operand: Operand): Getter {
  if ("value" in operand) return () => operand.value;
  if ("path" in operand) return attribute(operand.path);
  const get = attribute(operand.size);
  return (item) => {
    const size = sizeOf(get(item));
    return size === undefined ? undefined : { N: String(size) };
  };
}

function sizeOf(value: AttributeValue | undefined): number | undefined {
  if (value?.B !== undefined) return bytes(value.B).length;
  if (value?.M !== undefined) return Object.keys(value.M).length;
  return (value?.S ?? value?.L ?? value?.SS ?? value?.NS ?? value?.BS)?.length;
}

function attribute([name, ...rest]: Path): Getter {
  const top = member(String(name));
  if (rest.length === 0) return top;
  const steps = rest.map((step): ((value: AttributeValue) => AttributeValue | undefined) => {
    if (typeof step === "number") return ({ L }) => L?.[step];
    const get = member(step);
    return ({ M }) => M && get(M);
  });
  return (item) => {
    let value = top(item);
    for (const step of steps) value = value && step(value);
    return value;
  };
}

/** Reads a member. What every object has under this name, as under `constructor`, is no attribute. */
function member(name: string): Getter {
  const inherited: unknown = ({} as Item)[name];
  return (item) => {
    const value = item[name];
    return value === inherited ? undefined : value;
  };
}
