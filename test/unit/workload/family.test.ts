/** What all families share: names with hints, the schema for editors, the bundled files. */
import { describe, expect, it } from 'vitest';
import { toJsonSchema } from '../../../src/base/schema.ts';
import { parseSpecFile } from '../../../src/base/spec-file.ts';
import { listBundled, readBundled } from '../../../src/load.ts';
import { checkFormatNames, checkName, valueAt } from '../../../src/workload/family.ts';
import { workloadFamilies } from '../../../src/workload/index.ts';
import { schemaOfWorkload, workloadSchema } from '../../../src/workload/workload-spec.ts';
import { tables } from '../../support/workload-tables.ts';

describe('names in a workload file', () => {
  it('that are known pass, and what is no text is left to the schema', () => {
    expect(checkName({ a: 'x' }, 'a', ['x'], 'thing')).toEqual([]);
    for (const data of [{ a: 3 }, {}, undefined, 'x', null])
      expect(checkName(data, 'a', ['x'], 'thing')).toEqual([]);
  });

  it('that are not known come with the nearest', () => {
    expect(checkName({ a: 'int4-g32-fp16scal' }, 'a', ['int4-g32-fp16scale'], 'format')).toEqual([
      {
        path: ['a'],
        message: 'unknown format "int4-g32-fp16scal"',
        hint: 'did you mean "int4-g32-fp16scale"?',
      },
    ]);
  });

  it('of formats: averages of whole files are for weights only', () => {
    const data = { w: 'q4_k_m-file', kv: 'q4_k_m-file' };
    const faults = checkFormatNames(data, tables, { weights: ['w'], tensors: ['kv'] });
    expect(faults.map(({ path }) => path)).toEqual([['kv']]);
  });

  it('are read from the top level', () => {
    expect(valueAt({ a: 1 }, 'a')).toBe(1);
    expect(valueAt(null, 'a')).toBeUndefined();
  });
});

describe('the schema of workload files', () => {
  it('covers every family for editors', () => {
    const text = JSON.stringify(toJsonSchema(workloadSchema, 'workload'));
    for (const name of Object.keys(workloadFamilies)) expect(text).toContain(`"${name}"`);
  });

  it('of a file is that of its family, or of all', () => {
    expect(schemaOfWorkload({ family: 'llm' })).toBe(workloadFamilies.llm.schema);
    expect(schemaOfWorkload({ family: 'nothing' })).toBe(workloadSchema);
    expect(schemaOfWorkload({})).toBe(workloadSchema);
  });

  it.each(listBundled('workloads', '.yaml'))('takes %s', (name) => {
    const { text, file } = readBundled(`workloads/${name}.yaml`);
    const { data } = parseSpecFile(text, file);
    expect(workloadSchema.safeParse(data).success).toBe(true);
  });
});
