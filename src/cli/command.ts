/** The shape of one CLI command; `main.ts` turns it into yargs, help text included. */

export interface OptionSpec {
  readonly type: 'string' | 'number' | 'boolean' | 'array';
  readonly summary: string;
  readonly choices?: readonly string[];
  readonly default?: string | number | boolean;
  readonly alias?: string;
  /** Its name before, still understood and no longer shown. */
  readonly formerly?: string;
  readonly required?: boolean;
  /** What the value stands for in help text, such as `FILE`. */
  readonly value?: string;
  /** Option beside which this one may stand without a value, and then says nothing more. */
  readonly bareWith?: string;
  /** Options beside which this one would be passed over in silence, so that it is refused, also at its default; `name=value` for one value of it. */
  readonly idleWith?: readonly string[];
}

/** Parsed arguments with the defaults of those not given: options by name, positionals in `_` order under their own names. */
export type Args = Readonly<Record<string, unknown>>;

export interface Command {
  /** `run`, `probe dram`, … */
  readonly name: string;
  readonly summary: string;
  /** Full command lines a user can paste. */
  readonly examples: readonly string[];
  /** Positional arguments, `NAME` required, `[NAME]` optional, `NAME..` one or more. */
  readonly positionals?: Readonly<
    Record<string, { readonly usage: string; readonly summary: string }>
  >;
  readonly options: Readonly<Record<string, OptionSpec>>;
  /**
   * Does the work and prints. Throws `SpecError`, `InfeasibleError` …; `main.ts` prints those and sets the exit code.
   * @returns the exit code where it is not 0.
   */
  run(args: Args): Promise<number | undefined>;
}
