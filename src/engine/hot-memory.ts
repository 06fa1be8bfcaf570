/**
 * Main memory that gives less because it is hot: above 85 degC its rows are refreshed twice as often, above 95 degC four
 * times, and row commands take longer.
 *
 * Model    every rate of memory at the efficiency of its temperature class (fluid-memory.ts), its latency longer by the wait
 *          for banks in refresh, which are found as often as they are refreshed; or as the transaction model runs it hot, from the look after the one in which the DRAM has crossed a limit
 * Ignores  hysteresis of the device's temperature codes
 * Valid    as the efficiency's table
 * Source   JESD209-5, temperature codes and refresh multipliers
 * Checked  test/unit/engine/hot-memory.test.ts
 */
import type { Celsius } from '../base/units.ts';
import { HOT, refreshMultiple, VERY_HOT } from '../hardware/dram/device.ts';
import type { Machine } from './machine.ts';

/** Well inside each class. */
const IN_CLASS: Celsius = 5;

export class HotMemory {
  /** How much faster than nominal the rows are refreshed. */
  multiple = 1;
  private readonly known = new Map<Machine, Map<number, Machine>>();

  /** @returns whether the temperature has moved memory into another class. */
  look(temperature: Celsius): boolean {
    const multiple = refreshMultiple(temperature);
    if (multiple === this.multiple) return false;
    this.multiple = multiple;
    return true;
  }

  /** The machine with its memory as hot as last seen; the same object for the same machine and class. */
  present(machine: Machine): Machine {
    const { multiple } = this;
    if (multiple === 1) return machine;
    const classes = this.known.get(machine) ?? new Map<number, Machine>();
    this.known.set(machine, classes);
    const hot = classes.get(multiple) ?? hotMachine(machine, multiple);
    classes.set(multiple, hot);
    return hot;
  }
}

function hotMachine(machine: Machine, multiple: number): Machine {
  const temperature = (multiple > 2 ? VERY_HOT : HOT) + IN_CLASS;
  const { memory, streamModel } = machine;
  const efficiency: typeof memory.efficiency = (mix) => memory.efficiency({ ...mix, temperature });
  // As often as rows are refreshed, so often is a bank found in refresh.
  const more = (multiple - 1) * (memory.refreshWait ?? 0);
  const { streamLatency } = memory;
  const hot: Machine = {
    ...machine,
    memory: {
      ...memory,
      efficiency,
      latency: (load, clock) => memory.latency(load, clock) + more,
      ...(streamLatency && {
        streamLatency: (load: number, reads: number) => streamLatency(load, reads) + more,
      }),
    },
  };
  return streamModel ? { ...hot, streamModel: streamModel.at(temperature) } : hot;
}
