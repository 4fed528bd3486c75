/** Which right is missing, in the words of who grants it. */

/** The calls to streams, whose resource is the table's stream. */
const OF_STREAMS = ["DescribeStream", "GetRecords", "GetShardIterator"];

/**
 * What to allow, and on what.
 *
 * @param message the service's, which mostly says both
 * @param call that it refused
 */
export function missingRight(message: string, call: string, table: string | undefined): string {
  const [, action = `dynamodb:${call}`] = /not authorized to perform: ([\w:*-]+)/.exec(message) ?? [];
  const [, resource] = /on resource: (\S*[^\s.,])/.exec(message) ?? [];
  const denied = /explicit deny/.test(message);
  const where = resource ?? resourceOf(call, table);
  const needless =
    call === "ListTables" ? "; it isn't needed where filter.collection.white has names only" : "";
  return `${denied ? "take away what denies" : "allow"} ${action}${where && ` on ${where}`} to these credentials${needless}`;
}

function resourceOf(call: string, table: string | undefined): string {
  if (table === undefined) return "";
  return OF_STREAMS.includes(call)
    ? `the stream of table ${table}, table/${table}/stream/*`
    : `table ${table}`;
}
