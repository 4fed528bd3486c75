/** Where the SDK's clients send to: it may come from the configuration, an environment, a profile or the region. */
import type { FinalizeRequestMiddleware, HttpRequest, MetadataBearer, MiddlewareStack } from "@smithy/types";

/** Of the clients that have sent something. */
const addresses = new WeakMap<object, string>();

/** The address of a client's first request; undefined: it has made none yet. */
export function sentTo(client: object): string | undefined {
  return addresses.get(client);
}

/** Notes it. */
export function noteAddress<Client extends { middlewareStack: unknown }>(client: Client): Client {
  const stack = client.middlewareStack as MiddlewareStack<object, MetadataBearer>;
  const middleware: FinalizeRequestMiddleware<object, MetadataBearer> = (next) => async (args) => {
    if (!addresses.has(client)) {
      const { protocol, hostname, port, path } = args.request as HttpRequest;
      addresses.set(client, `${protocol}//${hostname}${port === undefined ? "" : `:${port}`}${path}`);
    }
    return next(args);
  };
  stack.add(middleware, { name: "noteAddress", step: "finalizeRequest", priority: "low" });
  return client;
}
