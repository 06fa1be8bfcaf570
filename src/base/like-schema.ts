/** Says in a JSON Schema where a `like` may stand, and that nothing is required which it could bring. */
import type { SpecPath } from './spec-file.ts';

type Json = Readonly<Record<string, unknown>>;

const LIKE = {
  description:
    'takes what this map leaves out from the part or description of that name; of several the first wins',
  anyOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' } }],
};

/** What every file says of itself. */
const NAMING = ['version', 'name', 'part', 'summary'];

/**
 * @param likeAt whether a `like` may stand in the map at a path; `*` is any key of a map.
 * What `socsim validate` still asks for, an editor cannot know.
 */
export function withLike(
  node: Json,
  likeAt: (path: SpecPath) => boolean,
  path: SpecPath = [],
): Json {
  const properties = node['properties'] as Readonly<Record<string, Json>> | undefined;
  // A value with its source is taken or replaced whole.
  if (properties && Object.hasOwn(properties, 'is')) return node;
  const { required, ...result } = { ...node } as Record<string, unknown>;
  const inner = (child: unknown, step: string | number) =>
    withLike(child as Json, likeAt, [...path, step]);
  for (const key of ['anyOf', 'oneOf', 'allOf']) {
    const branches = node[key] as readonly Json[] | undefined;
    if (branches) result[key] = branches.map((branch) => withLike(branch, likeAt, path));
  }
  if (node['items']) result['items'] = inner(node['items'], 0);
  if (typeof node['additionalProperties'] === 'object') {
    result['additionalProperties'] = inner(node['additionalProperties'], '*');
  }
  if (properties) {
    const children = Object.entries(properties).map(([key, child]) => [key, inner(child, key)]);
    result['properties'] = {
      ...(likeAt(path) ? { like: LIKE } : {}),
      ...Object.fromEntries(children),
    };
  }
  if (path.length > 0) return result;
  const own = ((required ?? []) as readonly string[]).filter((key) => NAMING.includes(key));
  return { ...result, required: own };
}
