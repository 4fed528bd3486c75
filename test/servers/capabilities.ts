/** What the servers differ in: a test that needs one of these asks here, and nothing else knows the servers' names. */

const SECOND = 1000;
/** A server that scans a large table for somebody else answers nobody. */
const PATIENCE = 30 * SECOND;

/** What a DynamoDB server for tests is, and can show. */
export interface Capabilities {
  /** As a user would call it: `ministack 1.5.33`. */
  name: string;
  /** Conditions on absent attributes, sizes of numbers and odd operands are answered as by the service. */
  oddConditions: boolean;
}

const DYNAMODB_LOCAL = { oddConditions: true };
const MINISTACK = { oddConditions: false };

/** Asks the server at `endpoint` what it is. Fails when it isn't a DynamoDB. */
export async function capabilitiesOf(endpoint: string): Promise<Capabilities> {
  const tables = await ask(endpoint, "ListTables");
  if (!Array.isArray(tables["TableNames"])) throw new Error("its answer to ListTables has no TableNames");
  const response = await fetch(new URL("/_ministack/health", endpoint), {
    signal: AbortSignal.timeout(PATIENCE),
  });
  const health = (await response.json().catch(() => ({}))) as { version?: string; edition?: string };
  return response.ok && health.edition !== undefined
    ? { name: `ministack ${health.version}`, ...MINISTACK }
    : { name: "DynamoDB Local", ...DYNAMODB_LOCAL };
}

/** One request of DynamoDB's protocol, as whoever signs with keys that nobody checks; gives the answer, whatever it is. */
export function post(
  endpoint: string,
  target: string,
  body: object,
  signal?: AbortSignal,
): Promise<Response> {
  return fetch(endpoint, {
    method: "POST",
    ...(signal && { signal }),
    headers: {
      "content-type": "application/x-amz-json-1.0",
      "x-amz-target": target,
      authorization:
        "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0",
    },
    body: JSON.stringify(body),
  });
}

/** One call without arguments. Fails with what came instead of an answer. */
export async function ask(endpoint: string, operation: string): Promise<Record<string, unknown>> {
  const response = await post(endpoint, `DynamoDB_20120810.${operation}`, {}, AbortSignal.timeout(PATIENCE));
  const text = await response.text();
  if (!response.ok) throw new Error(`status ${response.status}: ${text.slice(0, 100)}`);
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    throw new Error(`${operation} is answered by something that isn't JSON: ${text.slice(0, 60)}`);
  }
}
