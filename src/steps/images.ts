import type { Lock } from '../model/lock.ts';
import { type Shell, sh } from '../shell/sh.ts';
import { IMAGE_CLUES } from './clues.ts';
import { kubeadmImages } from './kubeadm-images.ts';
import type { Scene } from './phase.ts';
import type { Probe, Step } from './step.ts';

/** `REFERENCE DIGEST`, a line each image and tag the runtime has. */
const runtimeImages: Probe = {
  name: 'runtime_images',
  run: sh`
    timeout 20 crictl images -o json 2>/dev/null | awk '
      /"repoTags":/ { tagging = !/]/; next }
      /"repoDigests":/ { digesting = !/]/; next }
      /]/ { tagging = digesting = 0 }
      tagging { split($0, p, "\""); tags[++t] = p[2] }
      digesting { split($0, p, "\""); sub(/.*@/, "", p[2]); digests = digests " " p[2] }
      /"size":/ { for (i = 1; i <= t; i++) print tags[i] digests; t = 0; digests = "" }'`,
};

/** Prints `REFERENCE DIGEST` for each image of the control plane and of the network that the node has: what landfall.lock keeps. */
export function digests({ cluster, lock }: Pick<Scene, 'cluster' | 'lock'>): Shell {
  return sh`
    have=$(${runtimeImages.run})
    { ${kubeadmImages({ cluster, lock }).run}; ${pluginImages(lock)}; } | while read -r image; do
      printf '%s\n' "$have" | grep -F -- "$image " | cut -d ' ' -f 1,2
    done`;
}

function pluginImages({ network }: Lock): Shell {
  return network.images.length === 0 ? sh`:` : sh`printf '%s\n' ${network.images}`;
}

/** The control plane's images, fetched before the control plane is waited for. */
export function imageSteps(scene: Scene): readonly Step[] {
  const { cluster, lock } = scene;
  const accepted = Object.entries(lock.images).map(([reference, digest]) => `${reference} ${digest}`);
  return [
    {
      id: 'control-plane/images',
      title: "Fetch the control plane's images",
      why: 'Fetched now, with its own message when it fails, an image is not what kubeadm waits four minutes for in vain. All of them are fetched side by side. Where landfall.lock knows the digest of an image, it must be that very one.',
      see: ['https://kubernetes.io/docs/reference/setup-tools/kubeadm/kubeadm-config/'],
      after: ['runtime/answers'],
      probes: [kubeadmImages({ cluster, lock }), runtimeImages],
      read: sh`
        have=$(printf '\n%s\n' "$(probe runtime_images)")
        needed=$(probe kubeadm_images)
        line=\${have%"\${have#?}"}
        wrong=$(
          for image in $needed; do
            case $have in *"$line$image "*) ;; *) echo "$image is not here" ;; esac
          done
          for pair in ${accepted}; do
            image=\${pair% *} digest=\${pair#* }
            case $have in *"$line$image "*) ;; *) continue ;; esac
            has=\${have#*"$line$image "}; has=\${has%%"$line"*}
            case " $has " in *" $digest "*) ;; *) echo "$image $has, accepted was $digest" ;; esac
          done
        )
        if [ -z "$needed" ]; then echo 'kubeadm does not say which'
        else echo "\${wrong:-all here}"; fi`,
      want: 'all here',
      // kubeadm config images pull fetches one after another. Like it, this asks again where a registry is short of breath.
      make: sh`
        pull() {
          for attempt in 1 2 3; do
            if said=$(crictl pull "$1" 2>&1); then echo "$1"; return; fi
          done
          echo "$1: $said"
          return 1
        }
        pids=
        for image in $(${kubeadmImages({ cluster, lock }).run}); do
          pull "$image" &
          pids="$pids $!"
        done
        failed=
        for pid in $pids; do wait "$pid" || failed=yes; done
        [ -z "$failed" ]`,
      clues: [
        {
          match: /, accepted was sha256:/,
          means:
            'the registry (or a mirror) serves another image under a name than the one landfall.lock was written with',
          try: 'find out why before going on; when it is rightful, remove that image from landfall.lock',
        },
        ...IMAGE_CLUES,
      ],
    },
  ];
}
