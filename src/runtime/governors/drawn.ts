/** What devices and the rest of the phone drew between two samples of a slow governor: rails are read all the time. */
import type { CoolingDevice, ThermalView } from '../governor.ts';
import { loadOf } from './caps.ts';

export class Drawn {
  /** By device: joules, what its table gives for full load at the points it had, and seconds with work. */
  readonly #joules: number[] = [];
  readonly #full: number[] = [];
  readonly #busy: number[] = [];
  #others = 0;
  #seconds = 0;
  /** By device: of its power at full load, what it drew since the sample before; 0 without work. */
  readonly loads: number[] = [];
  /** By device: W since the sample before; 0 where nobody measures it. */
  readonly watts: number[] = [];
  /** W beside all devices. */
  others = 0;

  add({ devices, others = 0, period }: ThermalView): void {
    for (let i = 0; i < devices.length; i++) {
      const device = devices[i] as CoolingDevice;
      this.#joules[i] = (this.#joules[i] ?? 0) + (device.drawn ?? 0) * period;
      this.#full[i] = (this.#full[i] ?? 0) + (device.powers[device.current] as number) * period;
      this.#busy[i] = (this.#busy[i] ?? 0) + device.busyShare * period;
    }
    this.#others += others * period;
    this.#seconds += period;
  }

  /** Ends a sample. Devices whose draw nobody measures, or not yet, draw what their load says. */
  take(devices: readonly CoolingDevice[]): void {
    const measures = this.#seconds > 0;
    for (let i = 0; i < devices.length; i++) {
      const device = devices[i] as CoolingDevice;
      const full = this.#full[i] as number;
      const measured = full > 0 ? (this.#joules[i] as number) / full : 0;
      const busy = (this.#busy[i] as number) > 0;
      const told = measures && device.drawn !== undefined;
      this.loads[i] = told ? (busy ? measured : 0) : loadOf(device);
      this.watts[i] = measures ? (this.#joules[i] as number) / this.#seconds : 0;
      this.#joules[i] = 0;
      this.#full[i] = 0;
      this.#busy[i] = 0;
    }
    this.others = measures ? this.#others / this.#seconds : 0;
    this.#others = 0;
    this.#seconds = 0;
  }
}
