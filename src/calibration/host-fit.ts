/** What fitting a host gives. */
import type { Seconds } from '../base/units.ts';
import type { ParameterName, ParameterValues } from './parameters.ts';

export interface FittedParameter {
  readonly name: ParameterName;
  readonly value: number;
  /** Relative standard deviation. */
  readonly uncertainty: number;
  /** The data say less than the starting point did. */
  readonly undetermined: boolean;
}

export interface Residual {
  readonly id: string;
  readonly family: string;
  readonly threads: number;
  readonly measured: Seconds;
  readonly predicted: Seconds;
  /** predicted / measured − 1. */
  readonly error: number;
  readonly spread: number;
}

export interface HostFit {
  readonly values: ParameterValues;
  readonly parameters: readonly FittedParameter[];
  readonly residuals: readonly Residual[];
}
