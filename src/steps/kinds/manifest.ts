import { stringify } from 'yaml';
import { heredoc, type Shell, sh } from '../../shell/sh.ts';
import type { Probe, Step } from '../step.ts';
import type { About } from './about.ts';

/** A Kubernetes object as it is applied: fields that are left out are left to others. */
export type KubernetesObject = {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
  };
} & Readonly<Record<string, unknown>>;

/** Objects as one YAML stream. */
export function manifestText(objects: readonly KubernetesObject[]): string {
  return objects.map((o) => stringify(o, { lineWidth: 0, aliasDuplicateObjects: false })).join('---\n');
}

/** What is applied: objects of our own, a file of upstream's on the host, or what a piece of shell prints. */
export type Manifest = readonly KubernetesObject[] | { readonly file: string } | { readonly printed: Shell };

/** Puts a manifest before a command of kubectl or at its end. */
function feeding(manifest: Manifest): (command: Shell) => Shell {
  if ('printed' in manifest) return (command) => sh`${manifest.printed} | ${command} -f -`;
  if ('file' in manifest) return (command) => sh`${command} -f ${manifest.file}`;
  const text = heredoc(manifestText(manifest));
  return (command) => sh`${command} -f - ${text}`;
}

/** Of our own objects the lines that differ; of upstream's, which are long and nobody's here to edit, their names. */
function said(what: Manifest): Shell {
  return 'length' in what
    ? sh`grep -v -e '^diff ' -e '^--- ' -e '^+++ ' -e '^@@' -e '^status 1$'`
    : sh`sed -n 's/^Files .*[/]\([^/ ]*\) differ$/\1/p'`;
}

/**
 * Objects in the cluster, applied server-side under the name `landfall`: so each field has an owner, and a field somebody
 * else sets besides ours is left alone. The reading is the server's own answer to what applying would change.
 * @param ask how kubectl is called. @param ready the probe that prints `ok` when the API server is ready.
 */
export function manifest(
  about: About,
  { ask, ready }: { readonly ask: Shell; readonly ready: Probe },
  what: Manifest,
): Step {
  const how = sh`--server-side --field-manager=landfall --force-conflicts`;
  const feed = feeding(what);
  const compare = 'length' in what ? 'diff -N -U1' : 'diff -N -q';
  return {
    ...about,
    probes: [...(about.probes ?? []), ready],
    // kubectl compares two temporary folders; their names and times would make every reading another.
    read: sh`
      said=
      if [ "$(probe ${ready.name})" = ok ]; then
        said=$(${feed(sh`KUBECTL_EXTERNAL_DIFF=${compare} ${ask} diff ${how}`)}
        echo "status $?")
      fi
      case $said in
        'status 0') echo 'as wanted' ;;
        *'status 1') printf '%s\n' "$said" | ${said(what)} ;;
        *) echo 'not there, or the API server does not answer' ;;
      esac`,
    want: 'as wanted',
    make: feed(sh`${ask} apply ${how}`),
  };
}
