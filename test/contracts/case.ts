/** What a contract is made of. */

/** One promise of a role, to be run by any test framework: `for (const { name, run } of cases) test(name, run)`. */
export interface ContractCase {
  /** The promise in words. */
  name: string;
  /** Resolves when it is kept, and throws what is wrong otherwise. Has everything of its own: cases may overlap. */
  run(): Promise<void>;
}

/** Somewhere that nobody else uses, empty at first and gone at the end. */
export interface ContractPlace extends AsyncDisposable {
  /** The configuration's keys that lead there; `plugin.<name>.<key>` are the plugin's options. */
  settings: Record<string, string>;
}
