/** What every kind of measured row has in common, and its comparison with a prediction. */

export interface DevicePrediction {
  readonly id: string;
  readonly quantity: string;
  readonly predicted: number;
  readonly reference: number;
  /** predicted ÷ reference − 1 */
  readonly error: number;
  /** Interval of the prediction, where residuals say. */
  readonly band?: { readonly low: number; readonly high: number } | undefined;
  /** What the summary groups by. */
  readonly group: string;
  /** Where the prediction departs from the row: stand-ins and assumed values. */
  readonly assumptions: readonly string[];
  /** The file's own columns. */
  readonly columns: Readonly<Record<string, string>>;
}

export interface DevicePredictions {
  readonly rows: readonly DevicePrediction[];
  readonly unmapped: readonly { readonly id: string; readonly reason: string }[];
}
