import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type * as z from 'zod';
import { fieldsOf } from './fields.ts';
import { readCluster } from './load.ts';
import { jsonSchema, referencePage } from './published.ts';
import { clusterFile } from './schema.ts';
import { asText } from './text.ts';

const root = join(import.meta.dirname, '..', '..');

describe('what is published of the schema', () => {
  it.each([
    ['schema/cluster.json', jsonSchema()],
    ['docs/cluster-yaml.md', referencePage()],
  ])('%s is current (UPDATE_GOLDEN=1 writes it)', (path, text) => {
    const file = join(root, path);
    if (process.env['UPDATE_GOLDEN'] === '1') writeFileSync(file, text);
    expect(readFileSync(file, 'utf8')).toBe(text);
  });
  it('tells of every field what it is', () => {
    const silent = fieldsOf(clusterFile).filter(({ notes }) => (notes.description ?? '') === '');
    expect(silent.map(({ name }) => name)).toEqual([]);
    expect(fieldsOf(clusterFile).length).toBeGreaterThan(20);
  });
  it('gives examples that are valid', () => {
    const wrong = fieldsOf(clusterFile).flatMap(({ name, schema, notes }) =>
      ((notes.examples ?? []) as unknown[])
        .filter((example) => !isTaken(schema, example))
        .map((example) => `${name}: ${example}`),
    );
    expect(wrong).toEqual([]);
  });
  it('is draft-07, strict, and says which fields are required', () => {
    const schema = JSON.parse(jsonSchema()) as {
      $schema: string;
      additionalProperties: boolean;
      required: string[];
    };
    expect(schema.$schema).toContain('draft-07');
    expect(schema.additionalProperties).toBe(false);
    expect(schema.required).toEqual(['apiVersion', 'kind', 'name', 'kubernetes', 'nodes']);
    expect(jsonSchema()).not.toMatch(/"(why|wanted|format|byDefault)":/);
  });
  it('shows an example that loads', () => {
    const [, example = ''] = /```yaml\n([^]*?)```/.exec(referencePage()) ?? [];
    expect(readCluster(asText('cluster.yaml', example)).cluster.name).toBe('harbour');
  });
});

function isTaken(schema: unknown, value: unknown): boolean {
  return (schema as z.ZodType).safeParse(value).success;
}
