/** The errors a run can end with; the CLI maps each to one block of text and one exit code. */

/** One thing wrong with an input, told so that its author can put it right. */
export interface Fault {
  /** File name as the user gave it, or `--set` and the like for values that came from the command line. */
  readonly file?: string;
  readonly line?: number;
  readonly column?: number;
  /** Dotted path inside the file, such as `units.npu.clock`. */
  readonly path?: string;
  readonly message: string;
  readonly expected?: string;
  readonly got?: string;
  /** What to type instead; usually the nearest valid name. */
  readonly hint?: string;
}

/** Bad input (exit 2): every fault found, in one go. */
export class SpecError extends Error {
  readonly faults: readonly Fault[];
  constructor(faults: readonly Fault[] | string) {
    const list = typeof faults === 'string' ? [{ message: faults }] : faults;
    super(list.map(formatFault).join('\n'));
    this.name = 'SpecError';
    this.faults = list;
  }
}

export interface InfeasibleDetail {
  /** What was asked for and what there is, in the same unit. */
  readonly demand: number;
  readonly bound: number;
  readonly unit: string;
  /** Above this a model says nothing of how far: such figures are told as above it. */
  readonly most?: number;
  /** What the demand is made of. */
  readonly breakdown: Readonly<Record<string, number>>;
  /** Changes that would make it fit, most effective first. */
  readonly levers: readonly string[];
}

/** A well-formed scenario that cannot run (exit 3): says by how much and what would help. */
export class InfeasibleError extends Error {
  readonly detail: InfeasibleDetail;
  constructor(message: string, detail: InfeasibleDetail) {
    super(message);
    this.name = 'InfeasibleError';
    this.detail = detail;
  }
}

export interface SecurityFaultDetail {
  readonly initiator: string;
  readonly region: string;
  readonly tensor: string;
  readonly label: string;
  /** Simulated time. */
  readonly seconds: number;
  /** What stopped it; absent where nothing did and a secret came out. */
  readonly gate?: string;
}

/** An access that must not be (exit 4): stopped by a gate, or found to have given a secret away. */
export class SecurityFault extends Error {
  readonly detail: SecurityFaultDetail;
  constructor(message: string, detail: SecurityFaultDetail) {
    super(message);
    this.name = 'SecurityFault';
    this.detail = detail;
  }
}

/** A bug in socsim (exit 1): a promise the simulator makes to itself did not hold. */
export class InvariantError extends Error {
  override readonly name = 'InvariantError';
}

/** `file:line:column: path: message (expected …, got …); did you mean …?` */
export function formatFault(fault: Fault): string {
  const place = [fault.file, fault.line, fault.column]
    .filter((part) => part !== undefined)
    .join(':');
  const head = [place, fault.path].filter(Boolean).join(': ');
  const detail = [
    fault.expected && `expected ${fault.expected}`,
    fault.got !== undefined && `got ${fault.got}`,
  ].filter(Boolean);
  const body = detail.length > 0 ? `${fault.message} (${detail.join(', ')})` : fault.message;
  return `${head ? `${head}: ` : ''}${body}${fault.hint ? `; ${fault.hint}` : ''}`;
}
