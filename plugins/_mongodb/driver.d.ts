/** The driver has no types for its internals. */
declare module "mongodb/lib/cmap/commands.js" {
  export const DocumentSequence: unknown;
}
declare module "mongodb/lib/cmap/connection.js" {
  export const Connection: unknown;
}
