/**
 * The heat network of a phone: die blocks, stacked DRAM, package, board, vapour chamber, frame, battery, faces.
 *
 * Model    one node per die block (`die.ts`: paths between blocks condensed from cells, area share of the die's
 *          resistances to DRAM above and package below) and one per part of the body; each face is two
 *          nodes, near and far from the SoC, so that the hottest skin runs ahead of the mean
 * Ignores  gradients inside a block, inside the battery and along the frame; camera and speaker cut-outs
 * Valid    passive phones and phones with a fan, 0…60 °C air; laptops as a larger phone, roughly
 * Source   topology and ranges: thermal facts section 3; values per phone from socs/phones/*.yaml
 * Checked  test/unit/hardware/thermal/phone-network.test.ts (resistances and time constants of real phones)
 */
import { type Fault, SpecError } from '../../base/errors.ts';
import type { Celsius } from '../../base/units.ts';
import { type BodyFace, BodyNetwork } from './body-network.ts';
import { dieLinks, INTERPOSER, SILICON_HEAT_CAPACITY, SUBSTRATE } from './die.ts';
import { type Environment, faceOf, STILL_AIR } from './environment.ts';
import { faceConductance } from './exchange.ts';
import { type Floorplan, floorplanArea, floorplanFaults } from './floorplan.ts';
import { buildModalNetwork } from './modal.ts';
import type { AmbientLink, NetworkSpec, ThermalLink } from './network.ts';
import type { Phone } from './phone-spec.ts';

/** Nodes that every phone has, besides one per die block. Order is part of reports. */
const BODY_NODES = [
  'dram',
  'package',
  'board',
  'vapour-chamber',
  'frame',
  'battery',
  'skin-front',
  'skin-back',
  'skin-front-far',
  'skin-back-far',
] as const;
type BodyNode = (typeof BODY_NODES)[number];

/** Rise at which the linear part of a face is taken, K; the rest is exact anyway, this only keeps it small. */
const REFERENCE_RISE = 15;

export type PhoneBody = Pick<Phone, 'name' | 'body' | 'thermal'>;

/**
 * Builds the network at ambient (or at `environment.start`).
 * @throws SpecError for overlapping or badly named blocks and air outside the model's range.
 */
export function buildPhoneNetwork(
  floorplan: Floorplan,
  phone: PhoneBody,
  environment: Environment = STILL_AIR,
): BodyNetwork {
  const faults = [...floorplanFaults(floorplan), ...nameFaults(floorplan)];
  if (environment.ambient < 0 || environment.ambient > 60) {
    faults.push({
      path: 'environment.ambient',
      message: 'outside the range of the body-to-air model',
      expected: '0 °C to 60 °C',
      got: `${environment.ambient} °C`,
    });
  }
  if (faults.length > 0) throw new SpecError(faults);
  const faces = phoneFaces(phone, environment, floorplan.length);
  const spec = phoneNetworkSpec(floorplan, phone, environment.ambient, faces);
  const network = new BodyNetwork(buildModalNetwork(spec), faces);
  if (environment.start !== undefined) {
    network.setTemperatures(new Float64Array(spec.nodes.length).fill(environment.start));
  }
  return network;
}

/** The linear network as data: what `probe thermal`, `show` and tests look at. */
export function phoneNetworkSpec(
  floorplan: Floorplan,
  phone: PhoneBody,
  ambient: Celsius,
  faces: readonly BodyFace[] = phoneFaces(phone, { ambient }, floorplan.length),
): NetworkSpec {
  const blocks = floorplan.length;
  const at = (name: BodyNode) => blocks + BODY_NODES.indexOf(name);
  const t = phone.thermal;
  const near = phone.body.nearShare.is;
  const thickness = t.dieThickness.is;
  const area = floorplanArea(floorplan);
  const down = t.dieToPackage.is + t.packageToBoard.is;
  const links: ThermalLink[] = dieLinks(floorplan, {
    thickness,
    up: t.dieToDram.is,
    down,
    above: INTERPOSER,
    below: SUBSTRATE,
  });
  for (const [i, block] of floorplan.entries()) {
    const share = (block.width * block.height) / area;
    links.push({ a: i, b: at('dram'), conductance: share / t.dieToDram.is });
    links.push({ a: i, b: at('package'), conductance: share / t.dieToPackage.is });
  }
  const paths: readonly (readonly [BodyNode, BodyNode, number])[] = [
    ['package', 'board', t.packageToBoard.is],
    ['dram', 'vapour-chamber', t.dramToChamber.is],
    ['board', 'vapour-chamber', t.boardToChamber.is],
    ['board', 'frame', t.boardToFrame.is],
    ['vapour-chamber', 'frame', t.chamberToFrame.is],
    ['vapour-chamber', 'skin-front', t.chamberToFront.is],
    ['vapour-chamber', 'skin-back', t.chamberToBack.is],
    ['frame', 'skin-front-far', t.frameToFront.is],
    ['frame', 'skin-back-far', t.frameToBack.is],
    ['frame', 'battery', t.frameToBattery.is],
    ['battery', 'skin-back-far', t.batteryToBack.is],
    ['skin-front', 'skin-front-far', t.alongFront.is],
    ['skin-back', 'skin-back-far', t.alongBack.is],
  ];
  for (const [from, to, resistance] of paths) {
    links.push({ a: at(from), b: at(to), conductance: 1 / resistance });
  }
  const capacity: Readonly<Record<BodyNode, number>> = {
    dram: t.dram.is,
    package: t.package.is,
    board: t.board.is,
    'vapour-chamber': t.chamber.is,
    frame: t.frame.is,
    battery: t.battery.is,
    'skin-front': t.front.is * near,
    'skin-back': t.back.is * near,
    'skin-front-far': t.front.is * (1 - near),
    'skin-back-far': t.back.is * (1 - near),
  };
  const ambientLinks: AmbientLink[] = faces.map((face) => ({
    node: face.node,
    conductance: face.linearConductance,
  }));
  return {
    name: phone.name,
    ambient,
    nodes: [...floorplan.map((block) => block.name), ...BODY_NODES],
    capacities: [
      ...floorplan.map((b) => b.width * b.height * thickness * SILICON_HEAT_CAPACITY),
      ...BODY_NODES.map((name) => capacity[name]),
    ],
    links,
    ambientLinks,
  };
}

/** Where heat leaves: near and far part of both faces, and the edges through the frame. */
function phoneFaces(phone: PhoneBody, environment: Environment, blocks: number): BodyFace[] {
  const { width, height, nearShare, edgeShare, emissivity } = phone.body;
  const side = width.is * height.is;
  const air = phone.body.fan ? { ...environment, fan: phone.body.fan } : environment;
  const parts: readonly (readonly [BodyNode, number, 'front' | 'back' | 'edge'])[] = [
    ['skin-front', side * nearShare.is, 'front'],
    ['skin-back', side * nearShare.is, 'back'],
    ['skin-front-far', side * (1 - nearShare.is), 'front'],
    ['skin-back-far', side * (1 - nearShare.is), 'back'],
    ['frame', 2 * side * edgeShare.is, 'edge'],
  ];
  return parts.map(([name, area, where]) => {
    const face = faceOf(air, where, area, width.is, emissivity.is);
    return {
      ...face,
      node: blocks + BODY_NODES.indexOf(name),
      linearConductance: faceConductance(face, environment.ambient, REFERENCE_RISE),
    };
  });
}

function nameFaults(floorplan: Floorplan): Fault[] {
  return floorplan.flatMap((block, i) =>
    (BODY_NODES as readonly string[]).includes(block.name)
      ? [{ path: `floorplan.${i}.name`, message: `"${block.name}" is a part of the body` }]
      : [],
  );
}
