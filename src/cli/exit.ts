/** How a command ends: each kind of error as one block of text and one exit code. */
import { formatFault, InfeasibleError, SecurityFault, SpecError } from '../base/errors.ts';
import { systemReason } from '../base/file-reason.ts';
import { type Dimension, formatQuantity, unitsOf } from '../base/quantity.ts';

/** The meaning of the process's exit code; scripts rely on these numbers. */
export const EXIT = {
  done: 0,
  /** Also: a governor that does not reproduce its vectors to the digit. */
  bug: 1,
  badInput: 2,
  infeasible: 3,
  securityFault: 4,
  interrupted: 130,
} as const;

export interface Ending {
  readonly code: number;
  /** What to print on standard error; empty for none. */
  readonly text: string;
}

/** What a thrown value means to the user. */
export function endingOf(error: unknown): Ending {
  if (error instanceof SpecError) return { code: EXIT.badInput, text: describeFaults(error) };
  if (error instanceof InfeasibleError) {
    return { code: EXIT.infeasible, text: describeInfeasible(error) };
  }
  if (error instanceof SecurityFault) {
    return { code: EXIT.securityFault, text: describeSecurityFault(error) };
  }
  const fileFault = describeFileError(error);
  if (fileFault) return { code: EXIT.badInput, text: fileFault };
  const stack = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return {
    code: EXIT.bug,
    text: `This is a bug in socsim, not in your input. Please report it with the command line.\n${stack}`,
  };
}

/** Faults that fit a screen: mending these shows the rest. */
const MOST_SHOWN = 20;

function describeFaults({ faults }: SpecError): string {
  const lines = faults.slice(0, MOST_SHOWN).map(formatFault);
  if (faults.length === 1) return lines[0] as string;
  const more = faults.length - lines.length;
  if (more > 0) lines.push(`… and ${more} more`);
  return `${faults.length} faults:\n${lines.map((line) => `  ${line}`).join('\n')}`;
}

function describeSecurityFault({ message, detail }: SecurityFault): string {
  return [
    `security fault: ${message}`,
    `  initiator  ${detail.initiator}`,
    `  region     ${detail.region}`,
    `  tensor     ${detail.tensor} (${detail.label})`,
    `  at         ${formatQuantity(detail.seconds, 'time')} of simulated time`,
    `  ${detail.gate === undefined ? 'nothing stopped it' : `stopped by the ${detail.gate}`}`,
    `  --on-fault record ${detail.gate === undefined ? 'lets it happen' : 'goes on without the access'} and lists it in the audit`,
  ].join('\n');
}

function describeInfeasible({ message, detail }: InfeasibleError): string {
  const { demand, bound, unit, most = Number.POSITIVE_INFINITY } = detail;
  const show = (value: number) =>
    value > most ? `above ${formatIn(most, unit)}` : formatIn(value, unit);
  const short = demand > most ? '' : `: short by ${show(demand - bound)}`;
  const parts = Object.entries(detail.breakdown).sort((a, b) => b[1] - a[1]);
  const width = Math.max(0, ...parts.map(([name]) => name.length));
  return [
    message,
    `  demand ${show(demand)}, bound ${show(bound)}${short}`,
    ...parts.map(([name, value]) => `    ${name.padEnd(width)}  ${show(value)}`),
    ...(detail.levers.length > 0 ? ['  what would help:'] : []),
    ...detail.levers.map((lever) => `    - ${lever}`),
  ].join('\n');
}

const BASE_UNITS: readonly Dimension[] = ['size', 'bandwidth', 'power', 'time', 'energy'];

/** In the largest unit that fits, where `unit` is a base unit that has larger ones. */
function formatIn(value: number, unit: string): string {
  const dimension = BASE_UNITS.find((name) => unitsOf(name)[0] === unit);
  if (dimension) return formatQuantity(value, dimension);
  return unit === 'bytes' ? formatQuantity(value, 'size') : `${value} ${unit}`.trim();
}

/** Files and folders the user named that cannot be read or written. */
function describeFileError(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error) || !('syscall' in error)) return undefined;
  const reason = systemReason(error);
  const path = 'path' in error ? String(error.path) : 'file';
  return reason && `${path}: ${reason}`;
}
