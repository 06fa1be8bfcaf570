/** ONNX Runtime as an independent source of shapes: runs a model and reports what it saw. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';

interface Feed {
  readonly type: 'float32' | 'int64' | 'int32' | 'bool' | 'uint8' | 'int8';
  readonly dims: readonly number[];
  readonly fill?: number;
}
export type Feeds = Readonly<Record<string, Feed>>;

export interface ProfiledNode {
  readonly name: string;
  readonly operator: string;
  readonly outputs: readonly (readonly number[])[];
}

/** Shapes of the model's outputs. */
export async function runShapes(
  model: Uint8Array,
  feeds: Feeds,
): Promise<Record<string, readonly number[]>> {
  const session = await InferenceSession.create(model, {
    graphOptimizationLevel: 'disabled',
    intraOpNumThreads: 1,
    logSeverityLevel: 4,
  });
  const results = await session.run(tensorsOf(feeds));
  const shapes = Object.entries(results).map(([name, value]) => [name, (value as Tensor).dims]);
  await session.release();
  return Object.fromEntries(shapes) as Record<string, readonly number[]>;
}

/** Every node that ran, with the shapes of its results, from ONNX Runtime's own profile. */
export async function profileNodes(model: Uint8Array, feeds: Feeds): Promise<ProfiledNode[]> {
  const folder = mkdtempSync(join(tmpdir(), 'profile-'));
  try {
    const session = await InferenceSession.create(model, {
      graphOptimizationLevel: 'disabled',
      intraOpNumThreads: 1,
      logSeverityLevel: 4,
      enableProfiling: true,
      profileFilePrefix: join(folder, 'run'),
    });
    await session.run(tensorsOf(feeds));
    session.endProfiling();
    await session.release();
    const file = readdirSync(folder)[0] as string;
    return nodesOf(JSON.parse(readFileSync(join(folder, file), 'utf8')) as ProfileEvent[]);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

interface ProfileEvent {
  readonly cat: string;
  readonly name: string;
  readonly args: {
    readonly op_name: string;
    readonly output_type_shape: readonly Readonly<Record<string, readonly number[]>>[];
  };
}

function nodesOf(events: readonly ProfileEvent[]): ProfiledNode[] {
  return events
    .filter((event) => event.cat === 'Node' && event.name.endsWith('_kernel_time'))
    .map((event) => ({
      name: event.name.slice(0, -'_kernel_time'.length),
      operator: event.args.op_name,
      outputs: event.args.output_type_shape.map((shape) => Object.values(shape)[0] ?? []),
    }));
}

function tensorsOf(feeds: Feeds): Record<string, Tensor> {
  return Object.fromEntries(Object.entries(feeds).map(([name, feed]) => [name, tensorOf(feed)]));
}

function tensorOf({ type, dims, fill = 0 }: Feed): Tensor {
  const count = dims.reduce((product, dim) => product * dim, 1);
  if (type === 'int64') return new Tensor(type, new BigInt64Array(count).fill(BigInt(fill)), dims);
  if (type === 'int32') return new Tensor(type, new Int32Array(count).fill(fill), dims);
  if (type === 'bool') return new Tensor(type, new Uint8Array(count).fill(fill), dims);
  if (type === 'uint8') return new Tensor(type, new Uint8Array(count).fill(fill), dims);
  if (type === 'int8') return new Tensor(type, new Int8Array(count).fill(fill), dims);
  return new Tensor(type, new Float32Array(count).fill(fill), dims);
}
