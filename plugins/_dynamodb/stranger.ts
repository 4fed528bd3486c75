/** Answers that are no DynamoDB's: a web page, a redirect, another service. */

/** What tells of an answer. */
export interface Answered {
  status: number;
  headers: { get(name: string): string | null };
  body: Uint8Array;
}

/** An entity that is too large, and too many requests: whoever says so in between, it is meant. */
const MEANT = [413, 429];

/**
 * The error for an answer with another status than 200 that isn't DynamoDB's; undefined: it is, and has its own words.
 * A redirect and one of 500 and more may pass: a balancer in between sends both while it has nobody to ask.
 */
export function strangeAnswer({ status, headers, body }: Answered): Error | undefined {
  if (hasType(body)) return undefined;
  const isPassing = isRedirect(status) || status >= 500 || MEANT.includes(status);
  const error = new Error(saidBy(status, headers.get("location"), body));
  const name = isPassing ? "StrangeAnswerError" : "NotDynamoDBError";
  return Object.assign(error, { name, $metadata: { httpStatusCode: status } });
}

/** Whether an error is one of {@link strangeAnswer}. */
export function isStrange({ name }: Error): boolean {
  return name === "StrangeAnswerError" || name === "NotDynamoDBError";
}

/** Whether it sends elsewhere; nobody follows it. */
export function isRedirect(status: number): boolean {
  return status >= 300 && status < 400;
}

/** What an answer is that isn't JSON. */
export function kindOf(body: Uint8Array): string {
  const text = Buffer.from(body).subarray(0, 200).toString("latin1").trimStart();
  if (text === "") return "the answer is empty";
  if (text.startsWith("<")) return "the answer is a web page";
  if (/MongoDB over HTTP/.test(text)) return "it is a MongoDB that answers";
  return isObject(parsed(body)) ? "the answer is another service's" : "the answer is no JSON";
}

function saidBy(status: number, location: string | null, body: Uint8Array): string {
  if (isRedirect(status) && location !== null)
    return `it redirects to ${originOf(location)}, status ${status}`;
  return `${kindOf(body)}, status ${status}`;
}

function originOf(location: string): string {
  const { origin } = URL.parse(location) ?? {};
  return origin === undefined || origin === "null" ? "another path" : origin;
}

/** The service's errors are objects that name their type. */
function hasType(body: Uint8Array): boolean {
  const answer = parsed(body);
  return isObject(answer) && typeof (answer as { __type?: unknown }).__type === "string";
}

function parsed(body: Uint8Array): unknown {
  try {
    return JSON.parse(Buffer.from(body).toString("utf8"));
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): boolean {
  return typeof value === "object" && value !== null;
}
