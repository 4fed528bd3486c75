/** What spdx-expression-parse, which has no types of its own, gives to the SBOM. */
declare module "spdx-expression-parse" {
  /** Throws where a text is no licence's expression. */
  export default function parse(expression: string): object;
}
