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

/**
 * Objects in the cluster, applied server-side under the name `landfall`: so each field has an owner, and a field somebody
 * else sets besides ours is left alone. The reading is the server's own answer to what applying would change.
 * @param ask how kubectl is called. @param ready the probe that prints `ok` when the API server is ready.
 */
export function manifest(
  about: About,
  { ask, ready }: { readonly ask: Shell; readonly ready: Probe },
  objects: readonly KubernetesObject[],
): Step {
  const text = manifestText(objects);
  const how = sh`--server-side --field-manager=landfall --force-conflicts -f -`;
  return {
    ...about,
    probes: [ready],
    // kubectl compares two temporary folders; their names and times would make every reading another.
    read: sh`
      said=
      if [ "$(probe ${ready.name})" = ok ]; then
        said=$(KUBECTL_EXTERNAL_DIFF='diff -N -U1' ${ask} diff ${how} ${heredoc(text)}
        echo "status $?")
      fi
      case $said in
        'status 0') echo 'as wanted' ;;
        *'status 1') printf '%s\n' "$said" | grep -v -e '^diff ' -e '^--- ' -e '^+++ ' -e '^@@' -e '^status 1$' ;;
        *) echo 'not there, or the API server does not answer' ;;
      esac`,
    want: 'as wanted',
    make: sh`${ask} apply ${how} ${heredoc(text)}`,
  };
}
