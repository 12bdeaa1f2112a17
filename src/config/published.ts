import * as z from 'zod';
import { bare, type Field, type FieldNotes, fieldsOf } from './fields.ts';
import { clusterFile } from './schema.ts';

/** The JSON Schema (draft-07, which is what editors read) of cluster.yaml, as schema/cluster.json holds it. */
export function jsonSchema(): string {
  const schema = z.toJSONSchema(clusterFile, {
    target: 'draft-7',
    io: 'input',
    override: ({ jsonSchema }) => {
      const notes = jsonSchema as FieldNotes & { description?: string };
      const { why, byDefault } = notes;
      const parts = [notes.description, why, byDefault === undefined ? undefined : `Default: ${byDefault}.`];
      const description = parts.filter((part) => part !== undefined).join(' ');
      for (const key of ['why', 'byDefault', 'wanted', 'format'] as const)
        delete (jsonSchema as Record<string, unknown>)[key];
      if (description !== '') jsonSchema.description = description;
    },
  });
  const { $schema, ...rest } = schema;
  const head = { $schema, title: 'cluster.yaml', description: 'What a cluster of Landfall is to be.' };
  return `${JSON.stringify({ ...head, ...rest }, null, 2)}\n`;
}

/** The reference page of cluster.yaml, as docs/cluster-yaml.md holds it. */
export function referencePage(): string {
  const fields = fieldsOf(clusterFile);
  return `# cluster.yaml

<!-- Made from src/config/schema.ts; UPDATE_GOLDEN=1 npx vitest run --project unit src/config writes it anew. -->

One file says what the cluster is to be; everything else has a default. \`landfall validate\` tells everything that is wrong
with it at once, and \`schema/cluster.json\` lets an editor tell while you write. Nothing secret belongs in it: keep it in git,
with \`landfall.lock\`, which holds what its words resolved to, beside it.

\`\`\`yaml
apiVersion: landfall/v1
kind: Cluster
name: harbour
kubernetes: "1.36"
nodes:
  - { name: cp-0, role: control-plane, address: 10.0.0.11 }
\`\`\`

YAML is read as version 1.2, and strictly: unknown and duplicate keys, tags, merge keys and a second document are errors, and so
is a word without quotes that YAML 1.1 reads as something else (\`no\`, \`022\`, \`22:22\`, \`2026-11-22\`).

| Field | What | Default | Why |
|---|---|---|---|
${fields.map(row).join('\n')}

## What is checked beside the form

- The pod network, the Service network, the endpoint and the addresses of nodes keep clear of each other.
- \`network.pods\` is a /8 to a /24 with a /24 for each node, \`network.services\` a /12 to a /28: the limits of kubeadm and the API server.
- A virtual address is the endpoint alone, and no node's own. That it lies in the network of the control planes, and that nobody else has it, \`preflight/virtual-address\` sees on each of them.
- Networks begin at their first address; addresses are IPv4, four decimal numbers, and none that no host can be reached under.
- Names and addresses of nodes are there once. The endpoint does not lie under the cluster's own domain.
- The Kubernetes minor is one upstream still mends. Against \`landfall.lock\`, it goes up by one minor at most and never down (exit code 5).
- A pinned host key is whole and of the type it says.
- A mirror is none of itself and is named once; a login says in one place where its password is, and is not sent to an insecure mirror.
- What \`trust\` names are certificates of authorities that have not run out, without a private key among them.
- The address of a proxy has no name and no password in it.
`;
}

/** Where the field of that name is on the reference page: `host-ssh-port`, `nodes-address`. */
export function fieldAnchor(name: string): string {
  return name.replaceAll('[]', '').replaceAll('.', '-');
}

function row({ name, schema, notes }: Field): string {
  const cell = (text: string) => text.replaceAll('|', '\\|');
  const { description = '', why = '' } = notes;
  return `| <a id="${fieldAnchor(name)}"></a>\`${name}\` | ${cell(description)}${values(schema)} | ${cell(defaultOf(schema, notes))} | ${cell(why)} |`;
}

function defaultOf(schema: z.core.$ZodType, { byDefault }: FieldNotes): string {
  if (byDefault !== undefined) return byDefault;
  if (schema instanceof z.ZodDefault) return `\`${schema.def.defaultValue}\``;
  return schema instanceof z.ZodOptional || schema instanceof z.ZodPrefault ? '' : '*required*';
}

function values(schema: z.core.$ZodType): string {
  const inner = bare(schema);
  return inner instanceof z.ZodLiteral ? ` Only \`${[...inner.def.values].join('`, `')}\`.` : '';
}
