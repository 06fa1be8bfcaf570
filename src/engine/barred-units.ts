/**
 * Units that gates keep from protected memory: operators that touch it find no place there, however fast they would be.
 *
 * Model    a unit is barred from an operator when its identity on the bus may not read, or not write, the kind of memory
 *          in which the operator's data lie; a unit that a workload asks for by name is not kept from trying
 *          weights that stay ciphertext in memory are read by NPUs only, and by other units not even when asked for by name
 * Ignores  tables that an attack changes later: phones place operators by what they were set up for
 * Valid    as the gates (hardware/secure/regions.ts)
 * Source   hardware/secure/regions.ts, initiators.ts
 * Checked  test/unit/engine/barred-units.test.ts
 */
import type { Work } from '../base/work.ts';
import { type Initiator, initiatorOf, type OwnInitiator } from '../hardware/secure/initiators.ts';
import { permitsAs } from '../hardware/secure/regions.ts';
import { ownInitiators } from '../hardware/secure/security-spec.ts';
import { protectedKind, type Strategy } from '../runtime/secure/strategy.ts';
import type { Barred, Machine } from './machine.ts';
import { barredFromNpu } from './plan-security.ts';
import { resultClass } from './secure-machine.ts';
import { type SecurityPlan, staysSealed } from './secure-plan.ts';

/** As whom a unit accesses memory; an NPU that the strategy does not bring into the protected world stays in the normal one. */
export function identityOf(
  { strategy }: SecurityPlan,
  own: readonly OwnInitiator[],
  { kind, name }: { readonly kind: string; readonly name?: string },
): Initiator {
  const named = own.find(({ units }) => name !== undefined && units.includes(name));
  const isOutside = kind === 'npu' && strategy.npu === 'none';
  return named?.name ?? initiatorOf(kind, isOutside ? 'normal' : strategy.world);
}

/** Of units other than NPUs, where an NPU's transfer path is what deciphers. */
const WITHOUT_KEY: Barred = {
  reason: 'weights stay ciphertext in memory, which only the NPU deciphers',
  lever: 'weights deciphered into memory (security.decryption: cpu or engine)',
  firm: true,
};

/** The machine with what keeps its units from the protected data of a plan; the same one where nothing does. */
export function barUnits(machine: Machine, plan: SecurityPlan): Machine {
  const { strategy, hardware } = plan;
  if (strategy.protects.length === 0) return machine;
  const own = hardware ? ownInitiators(hardware) : [];
  const region = protectedKind(strategy);
  const units = machine.units.map(({ unit }) => {
    const identity = identityOf(plan, own, unit);
    const rights = own.find(({ name }) => name === identity);
    const may = (access: 'read' | 'write') => permitsAs(rights, region, identity, access);
    return { identity, isNpu: unit.kind === 'npu', read: may('read'), write: may('write') };
  });
  const sealed = staysSealed(plan);
  if (!sealed && units.every(({ read, write }) => read && write)) return machine;
  // Where the strategy opens no way for anybody, the gates tell what it got wrong.
  if (!units.some(({ read, write }) => read && write)) return machine;
  const barred = (u: number, work: Work): Barred | undefined => {
    if (sealed && !units[u]!.isNpu && work.weightBytes > 0) return WITHOUT_KEY;
    const { identity, isNpu, read, write } = units[u]!;
    const access =
      !read && readsProtected(work, strategy)
        ? 'read'
        : !write && writesProtected(work, strategy)
          ? 'write'
          : undefined;
    if (access === undefined) return undefined;
    const lever = `a way into the ${strategy.world} world (security.npu: coarse or fine)`;
    return {
      reason: `as ${identity} it may not ${access} ${region} memory`,
      ...(isNpu && barredFromNpu(strategy) && { lever }),
    };
  };
  return { ...machine, barred };
}

function readsProtected(work: Work, { protects }: Strategy): boolean {
  const { weightBytes, inputBytes, kvReadBytes } = work;
  return (
    (weightBytes > 0 && protects.includes('weights')) ||
    (inputBytes > 0 && protects.includes('activations')) ||
    (kvReadBytes > 0 && protects.includes('kv'))
  );
}

function writesProtected(work: Work, { protects }: Strategy): boolean {
  const { outputBytes, kvWriteBytes } = work;
  return (
    (outputBytes > 0 && protects.includes(resultClass(work))) ||
    (kvWriteBytes > 0 && protects.includes('kv'))
  );
}
