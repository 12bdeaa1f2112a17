import * as z from 'zod';
import { ENCAPSULATIONS, NETWORK_PLUGINS } from '../model/cluster.ts';
import { RUNTIMES } from '../model/runtime.ts';
import type { Facts } from '../model/facts.ts';
import { KUBERNETES_PACKAGES, type KubernetesPackage, type Lock } from '../model/lock.ts';
import type { ProblemParts } from '../model/problem.ts';
import type { Finding, Plan } from '../plan/plan.ts';
import type { RunEvent } from '../run/event.ts';
import type { StatusDocument } from './status.ts';

/*
 * The shapes of everything --json prints and of what is kept in files, as schema/*.json publishes them. A minor version
 * only adds, so readers must pass over fields they do not know. `satisfies` keeps each schema and its type together.
 */

const text = z.string();
const whole = z.int().min(0);
const at = z.iso.datetime({ offset: true }).meta({ description: 'UTC, ISO 8601' });
const ms = z.number().min(0).meta({ description: 'milliseconds' });
const stepId = z.templateLiteral([z.string(), '/', z.string()]).meta({ description: 'subject/what; stable' });
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);

const place = z
  .object({
    file: text,
    line: whole.meta({ description: 'from 1' }),
    column: whole.meta({ description: 'from 1' }),
    length: whole.exactOptional(),
    text: text.exactOptional().meta({ description: 'the whole line' }),
    label: text.exactOptional(),
  })
  .meta({ description: 'a place in a file' });

const problem = z
  .object({
    code: text.meta({ description: 'area/what; stable' }),
    summary: text.meta({ description: 'what happened, one sentence without a full stop' }),
    where: place.exactOptional(),
    host: text.exactOptional(),
    saw: text.exactOptional().meta({ description: "what was seen: a program's own words" }),
    why: text.exactOptional(),
    try: text.exactOptional().meta({ description: 'what to do about it' }),
    more: text.exactOptional(),
    exit: z.literal([0, 1, 2, 3, 4, 5, 70, 130, 143]).exactOptional(),
  })
  .meta({ description: 'something that went wrong' }) satisfies z.ZodType<ProblemParts>;

const facts = z.object({
  os: text,
  osVersion: text,
  codename: text,
  osName: text,
  architecture: text,
  kernel: text,
  hostname: text,
  cpus: whole,
  memory: whole.meta({ description: 'bytes' }),
  cgroup: z.literal([1, 2]),
  bootId: text,
  machineId: text,
  productUuid: text.exactOptional().meta({ description: 'what the firmware says the machine is' }),
  member: z.literal(true).exactOptional().meta({ description: 'it is a member of a cluster, all the way' }),
  remains: z
    .array(z.enum(['etcd', 'kubelet']))
    .exactOptional()
    .meta({ description: 'what a membership that is not whole has left there' }),
  servers: z
    .record(text, text)
    .exactOptional()
    .meta({ description: 'the API server each of its kubeconfigs names' }),
  epoch: text.exactOptional().meta({ description: 'when it came to the cluster it is of' }),
  recovered: text.exactOptional().meta({ description: 'when the cluster was begun anew out of its data' }),
  recovering: z.literal(true).exactOptional().meta({ description: 'a recovery is under way on it' }),
  leftBehind: z
    .literal(true)
    .exactOptional()
    .meta({ description: 'its data are of the cluster as it was before' }),
  addresses: z.array(z.object({ device: text, address: text, prefix: whole })),
  links: z.array(z.object({ device: text, mac: text, mtu: whole.meta({ description: 'bytes' }) })),
  virtualization: text.meta({ description: '`none` on a real machine' }),
  routes: z.array(z.object({ to: text, device: text })),
  defaultAddress: text.exactOptional(),
  ssh: z
    .object({
      by: z
        .literal(['service', 'socket'])
        .meta({ description: 'what listens: sshd itself, or systemd for it' }),
      login: text.meta({ description: 'who Landfall has logged in as' }),
      before: z
        .array(whole)
        .exactOptional()
        .meta({ description: 'the ports sshd listened on before Landfall moved it' }),
      ports: z.array(whole).exactOptional().meta({ description: 'the ports logins are taken on now' }),
    })
    .exactOptional(),
  runtimes: z
    .array(z.enum(RUNTIMES))
    .exactOptional()
    .meta({ description: 'the container runtimes Landfall has put there' }),
  firewall: z.literal(true).exactOptional().meta({ description: "the host has a firewall of Landfall's" }),
  keepalived: z.literal(true).exactOptional().meta({ description: 'keepalived has a file there' }),
  lab: z.array(text).exactOptional().meta({ description: 'the concessions of a lab host' }),
  available: z.record(text, z.array(text)).exactOptional(),
  keys: z.record(text, text).exactOptional(),
} satisfies Readonly<Record<keyof Facts, z.ZodType>>) satisfies z.ZodType<Facts>;

const packages = {
  ...(Object.fromEntries(KUBERNETES_PACKAGES.map((name) => [name, text])) as {
    [name in KubernetesPackage]: typeof text;
  }),
  'cri-o': text.exactOptional(),
  'containerd.io': text.exactOptional(),
};

const lock = z
  .object({
    kubernetes: text,
    packages: z.object(packages),
    keys: z.object({ kubernetes: text, crio: text.exactOptional(), docker: text.exactOptional() }),
    network: z
      .object({
        plugin: z.enum(NETWORK_PLUGINS),
        version: text.exactOptional(),
        encapsulation: z.enum(ENCAPSULATIONS).exactOptional(),
        mtu: whole.exactOptional(),
        files: z.record(text, text).meta({ description: 'sums by address' }),
        images: z.array(text),
      })
      .meta({ description: 'the network plugin' }),
    images: z.record(text, text),
  })
  .meta({ description: 'what the words of cluster.yaml resolved to' }) satisfies z.ZodType<Lock>;

const finding = z
  .object({
    phase: text,
    step: stepId,
    title: text,
    forecast: z.enum(['right', 'make', 'wrong', 'unknown']),
    reading: text.meta({ description: 'what the reading printed' }),
    want: text.meta({ description: 'what it should print' }),
    note: text.exactOptional().meta({ description: 'what the reading complained about' }),
    until: z
      .array(stepId)
      .exactOptional()
      .meta({ description: 'the steps that must hold before the reading means anything' }),
    disturbs: z.enum(['service', 'node', 'data']).exactOptional(),
    long: z.boolean().exactOptional(),
  })
  .meta({ description: 'one step of one host, compared' }) satisfies z.ZodType<Finding>;

const away = z
  .array(z.object({ host: text, address: text, code: text, summary: text }))
  .exactOptional()
  .meta({ description: 'hosts that could not be asked, and are left out' });

const entry = z.object({
  digest: sha256,
  at: text,
  run: text,
  landfall: text.meta({ description: 'the version' }),
  by: text.meta({ description: 'user@machine' }),
});

const applied = z
  .object({
    last: entry,
    text: text.meta({
      description: 'cluster.yaml as it was applied last, without comments and with every default',
    }),
    earlier: z.array(entry).meta({ description: 'newest first' }),
  })
  .exactOptional()
  .meta({ description: 'what the cluster says was applied to it' });

/** `plan --json`, and the file `plan --out` writes and `apply FILE` takes. */
export const planSchema = z
  .object({
    format: z.literal('1.0'),
    cluster: text,
    lock,
    source: sha256.meta({ description: 'of cluster.yaml as it was read' }),
    hosts: z.array(z.object({ host: text, address: text, facts, findings: z.array(finding) })),
    away,
    applied,
    at,
    ms,
    trips: whole,
  })
  .meta({
    title: 'A plan of Landfall',
    description: 'every reading of every host against its want',
  }) satisfies z.ZodType<Plan>;

const phaseHead = { id: text, title: text, hosts: z.array(text) };
const stepState = z.enum(['right', 'making', 'made', 'waiting', 'failed', 'unproven', 'wrong', 'skipped']);

/** One line of events.jsonl and of `apply --json`. */
export const eventSchema = z
  .discriminatedUnion('is', [
    z.object({ is: z.literal('version'), format: text, landfall: text }),
    z.object({
      is: z.literal('run'),
      at,
      run: text,
      command: text,
      cluster: text,
      phases: z.array(z.object(phaseHead)),
    }),
    z.object({ is: z.literal('phase'), at, phase: text, title: text, hosts: z.array(text) }),
    z.object({
      is: z.literal('step'),
      at,
      phase: text,
      host: text,
      step: stepId,
      title: text,
      state: stepState,
      ms: ms.exactOptional(),
      reading: text.exactOptional(),
      want: text.exactOptional(),
      awaits: text.exactOptional(),
      within: z.number().exactOptional().meta({ description: 'seconds' }),
      status: z.int().exactOptional().meta({ description: 'exit status of a failed make' }),
    }),
    z.object({ is: z.literal('output'), at, phase: text, host: text, step: stepId, text }),
    z.object({
      is: z.literal('phase-end'),
      at,
      phase: text,
      made: whole,
      right: whole,
      failed: whole,
      left: whole.meta({ description: 'steps that were not tried, or were cut short' }),
      ms,
    }),
    z.object({ is: z.literal('notice'), at, code: text, host: text.exactOptional(), text }),
    z.object({ is: z.literal('problem'), at, problem }),
    z.object({ is: z.literal('end'), at, exit: whole, made: whole, ms }),
  ])
  .meta({
    title: 'An event of a run of Landfall',
    description: 'one line of events.jsonl',
  }) satisfies z.ZodType<RunEvent>;

/** `status --json`. */
export const statusSchema = z
  .object({
    format: z.literal('1.0'),
    cluster: text,
    kubernetes: text,
    at,
    asWanted: z.boolean(),
    hosts: z.array(
      z.object({
        host: text,
        address: text,
        os: text,
        asWanted: z.boolean(),
        right: whole,
        all: whole,
        differs: z.array(finding),
      }),
    ),
    away,
    applied: entry.exactOptional().meta({ description: 'who applied what last' }),
    lastRun: z
      .object({
        run: text,
        command: text,
        at,
        exit: whole.exactOptional(),
        made: whole.exactOptional(),
        ms: ms.exactOptional(),
      })
      .exactOptional(),
    strangers: z
      .array(z.object({ host: text, from: text, protocol: text, port: whole, packets: whole }))
      .exactOptional()
      .meta({ description: 'whom the firewall did not let in within a day, or would not' }),
    pairs: z
      .array(
        z.object({
          from: text,
          to: text,
          kind: z.enum(['tcp', 'udp', 'size', 'vrrp', 'adverts', 'rtt', 'clock']),
          what: whole.meta({ description: 'a port, a protocol, or a number of bytes' }),
          is: text.meta({
            description:
              'open, refused, silent, unreachable, passes, lost, untold, or milliseconds; of a clock, by how many it is ahead',
          }),
        }),
      )
      .exactOptional()
      .meta({ description: 'what the nodes found when they asked each other' }),
    proof: z.array(z.object({ title: text, holds: z.boolean(), seen: text })).exactOptional(),
  })
  .meta({
    title: 'The status of a cluster',
    description: 'how every host reads now',
  }) satisfies z.ZodType<StatusDocument>;

/** `validate --json`, and what every command prints with --json when it cannot do what was asked. */
export const problemsSchema = z
  .object({ format: z.literal('1.0'), exit: whole, problems: z.array(problem) })
  .meta({ title: 'Problems', description: 'what is wrong; empty when nothing is' });

const PUBLISHED = { plan: planSchema, events: eventSchema, status: statusSchema, problems: problemsSchema };

/** The names of the published schemas: each is the file `schema/NAME.json`. */
export const SCHEMAS = ['plan', 'events', 'status', 'problems'] as const;

/** The text of a published schema, as draft 7 of JSON Schema, which editors understand best. */
export function schemaText(name: (typeof SCHEMAS)[number]): string {
  return `${JSON.stringify(z.toJSONSchema(PUBLISHED[name], { target: 'draft-7', io: 'input' }), null, 2)}\n`;
}
