import * as z from 'zod';
import type { Path } from './tree.ts';

/** What Landfall says of a field; see the schema. */
export type FieldNotes = Readonly<z.GlobalMeta>;

/** A field of a schema with where it stands: `nodes[].address`. */
export interface Field {
  readonly name: string;
  readonly schema: z.core.$ZodType;
  readonly notes: FieldNotes;
}

/** Every field of a strict object schema, parents before their children, lists as `name[]`. */
export function fieldsOf(schema: z.core.$ZodType, prefix = ''): readonly Field[] {
  const inner = bare(schema);
  if (inner instanceof z.ZodArray) return fieldsOf(inner.element, `${prefix}[]`);
  if (!(inner instanceof z.ZodObject)) return [];
  return Object.entries(inner.shape as Record<string, z.core.$ZodType>).flatMap(([key, child]) => {
    const name = prefix === '' ? key : `${prefix}.${key}`;
    return [{ name, schema: child, notes: notesOf(child) }, ...fieldsOf(child, name)];
  });
}

/** The schema at a path, what may be left out unwrapped; undefined where the schema has no such field. */
export function schemaAt(schema: z.core.$ZodType, path: Path): z.core.$ZodType | undefined {
  let here: z.core.$ZodType | undefined = schema;
  for (const step of path) {
    if (here === undefined) return undefined;
    const inner: z.core.$ZodType = bare(here);
    if (inner instanceof z.ZodArray) here = inner.element;
    else if (inner instanceof z.ZodRecord) here = inner.valueType;
    else if (inner instanceof z.ZodObject && Object.hasOwn(inner.shape, step)) here = inner.shape[step];
    else return undefined;
  }
  return here;
}

/** What is said of the field at a path; nothing when there is no such field. */
export function notesAt(schema: z.core.$ZodType, path: Path): FieldNotes {
  const field = schemaAt(schema, path);
  return field === undefined ? {} : notesOf(field);
}

/** What a field is, as a reason in a problem: in lower case and without the full stop. Undefined when nothing is said. */
export function reasonAt(schema: z.core.$ZodType, path: Path): string | undefined {
  const { description } = notesAt(schema, path);
  if (description === undefined) return undefined;
  return (description.charAt(0).toLowerCase() + description.slice(1)).replace(/\.$/, '');
}

/** The keys a map at a path may have; none when there is no map. */
export function keysAt(schema: z.core.$ZodType, path: Path): readonly string[] {
  const field = schemaAt(schema, path);
  const inner = field && bare(field);
  return inner instanceof z.ZodObject ? Object.keys(inner.shape) : [];
}

/** A field without its default or its being optional. */
export function bare(schema: z.core.$ZodType): z.core.$ZodType {
  let here = schema;
  while (here instanceof z.ZodOptional || here instanceof z.ZodDefault || here instanceof z.ZodPrefault) {
    here = here.def.innerType;
  }
  return here;
}

/** `nodes[0].address`; the whole document is `the file`. */
export function pathName(path: Path): string {
  if (path.length === 0) return 'the file';
  return path
    .map((step, i) => (typeof step === 'number' ? `[${step}]` : i === 0 ? step : `.${step}`))
    .join('');
}

/** `nodes[].address`: the name of the field a path leads to. */
export function fieldName(path: Path): string {
  return pathName(path).replace(/\[\d+\]/g, '[]');
}

function notesOf(schema: z.core.$ZodType): FieldNotes {
  return (
    z.globalRegistry.get(schema) ??
    (bare(schema) === schema ? {} : (z.globalRegistry.get(bare(schema)) ?? {}))
  );
}
