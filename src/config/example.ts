import * as z from 'zod';
import { bare, notesAt, schemaAt } from './fields.ts';
import type { Page } from './page.ts';
import { scalar } from '../model/scalar.ts';
import type { Path } from './tree.ts';

/** The line to write for a field, in flow style where it has fields of its own: `endpoint: { address: api.example.com }`. */
export function exampleLine(page: Page, path: Path): string {
  return lineWith(path, exampleValue(page, path));
}

/** The line to write for a field with this text as its value. */
export function textLine(path: Path, value: string): string {
  return lineWith(path, scalar(value));
}

/** Whether a field takes this value as it is. */
export function takes(page: Page, path: Path, value: unknown): boolean {
  const schema = schemaAt(page.schema, path) as z.ZodType | undefined;
  return schema?.safeParse(value).success ?? false;
}

function lineWith(path: Path, value: string): string {
  const key = path.at(-1);
  return typeof key === 'number' ? `- ${value}` : `${key}: ${value}`;
}

function exampleValue(page: Page, path: Path): string {
  const [first] = (notesAt(page.schema, path).examples ?? []) as readonly unknown[];
  if (first !== undefined) return typeof first === 'string' ? scalar(first) : `${first}`;
  const schema = schemaAt(page.schema, path);
  const inner = schema && bare(schema);
  if (inner instanceof z.ZodArray) return `[${exampleValue(page, [...path, 0])}]`;
  if (!(inner instanceof z.ZodObject)) return '…';
  const children = Object.keys(inner.shape);
  const required = children.filter((key) => !takes(page, [...path, key], undefined));
  const shown = required.length > 0 ? required : children.slice(0, 1);
  return `{ ${shown.map((key) => lineWith([key], exampleValue(page, [...path, key]))).join(', ')} }`;
}
