/** How a run protects the data of its workloads, as plain data: what `planSecurity` makes of scenario and descriptions. */
import type { Secrecy } from '../base/labels.ts';
import type { Bytes } from '../base/units.ts';
import type { Cipher } from '../hardware/secure/cipher.ts';
import type { GrowthSpec } from '../hardware/secure/growth.ts';
import type { IntegrityCost } from '../hardware/secure/integrity.ts';
import type { Region } from '../hardware/secure/regions.ts';
import type { SecuritySpec } from '../hardware/secure/security-spec.ts';
import type { Strategy, TensorClass } from '../runtime/secure/strategy.ts';
import type { SecurityScenario } from './secure-scenario.ts';

export type Demand = Readonly<Record<TensorClass, Bytes>>;

/** How the data of one workload, or of the only one, are protected. */
export interface SecurityPlan {
  /** Name of the workload, where several share the phone. */
  readonly workload: string | undefined;
  readonly preset: string;
  readonly scenario: SecurityScenario;
  readonly strategy: Strategy;
  /** Absent where nothing is protected and the SoC describes no means to. */
  readonly hardware: SecuritySpec | undefined;
  readonly cipher: Cipher | undefined;
  /** Opens what cores start from, which no cipher of an NPU does: the same, or else the fastest through memory. */
  readonly coreCipher: Cipher | undefined;
  /** CPU unit whose cores decrypt and move pages. */
  readonly cpuUnit: string | undefined;
  readonly cores: number;
  readonly integrity: IntegrityCost;
  readonly growth: GrowthSpec | undefined;
  readonly occupied: number;
  readonly regions: readonly Region[];
  readonly promised: Secrecy;
  /** Bytes of the workload by class; weights that another one brings along are not counted again. */
  readonly demand: Demand;
  /** Of the runtime that computes on them, beside its model; of workloads that share one, with the first. */
  readonly runtime: Bytes;
  /** Bytes of the workload that lie in protected memory, runtime, codes and counters aside. */
  readonly protectedBytes: Bytes;
  /** Of protected memory, codes and counters included, what does not fit the carve-out. */
  readonly grown: Bytes;
}

/** Whether weights lie in memory as they lie on the drive, for the NPU to decipher whenever it reads them. */
export function staysSealed({ strategy, cipher }: SecurityPlan): boolean {
  return cipher?.throughMemory === false && strategy.protects.includes('weights');
}
