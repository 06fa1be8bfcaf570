import { describe, expect, it } from 'vitest';
import { checkSpec } from '../../../../src/base/schema.ts';
import { parseSpecFile } from '../../../../src/base/spec-file.ts';
import { unitSpec } from '../../../../src/hardware/units/unit-spec.ts';
import { hexagon } from '../../../support/phone-units.ts';

const NPU = `kind: npu
matrix:
  engines: { is: 4, from: a, trust: estimated }
  rows: { is: 64, from: a, trust: estimated }
  columns: { is: 64, from: a, trust: estimated }
  dataflow: { is: weight-stationary, from: a, trust: estimated }
  rates:
    int8: { is: 1, from: a, trust: estimated }
    w4a16: { is: 0.5, from: a, trust: estimated }
vector: { opsPerClock: { fp16: { is: 256, from: a, trust: estimated } } }
sram:
  size: { is: 8 MiB, from: a, trust: estimated }
  bytesPerClock: { is: 512, from: a, trust: estimated }
launch: { operator: { is: 5 us, from: a, trust: estimated } }
`;
const check = (text: string) => checkSpec(parseSpecFile(text, 'unit.yaml'), unitSpec);

describe('unit descriptions', () => {
  it('are read in base units, with defaults of shipped NPUs', () => {
    const spec = check(NPU);
    if (spec.kind !== 'npu') throw new Error('not an NPU');
    expect(spec.sram.size.is).toBe(8 * 2 ** 20);
    expect(spec.launch.operator.is).toBeCloseTo(5e-6, 15);
    expect([spec.matrix.overlapFolds, spec.matrix.doubleBufferPreload]).toEqual([true, true]);
    expect(spec.fusedAttention).toBe(hexagon.fusedAttention);
  });

  it('refuse unknown formats, dataflows and kinds with their place', () => {
    expect(() => check(NPU.replace('w4a16', 'w4x16'))).toThrow(/unit\.yaml:9:.*w4x16/s);
    expect(() => check(NPU.replace('weight-stationary', 'weight-stationry'))).toThrow(
      /did you mean "weight-stationary"/,
    );
    expect(() => check(NPU.replace('kind: npu', 'kind: tpu'))).toThrow(/unit\.yaml/);
  });

  it('refuse an array without rows and a share above one', () => {
    expect(() => check(NPU.replace('rows: { is: 64', 'rows: { is: 0'))).toThrow(/at least 1/);
  });
});
