import { heredoc, sh } from '../shell/sh.ts';
import { DISK_CLUES } from './clues.ts';
import { check } from './kinds/check.ts';
import { draft, folder, inPlace, putBack } from './kinds/file.ts';
import { service } from './kinds/unit.ts';
import { kubeadmImages } from './kubeadm-images.ts';
import type { Scene } from './phase.ts';
import { FILES, WISHED } from './places.ts';
import { RUNTIME_PARTS } from './runtime-parts.ts';
import type { Clue, Step } from './step.ts';

const SEE = {
  cri: 'https://github.com/containerd/containerd/blob/main/docs/cri/config.md',
  runtimes: 'https://kubernetes.io/docs/setup/production-environment/container-runtimes/#containerd',
};

/** Where files of others say what is to be otherwise. */
const MORE = '/etc/containerd/conf.d';

/** What stands in the file, as it is shown, for the image only kubeadm knows. */
const PAUSE = 'the image kubeadm names';

/** Troubles of containerd's start. */
export const CONTAINERD_CLUES: readonly Clue[] = [
  {
    match: /failed to load TOML|toml: |unsupported config version|invalid plugin config/i,
    means: 'a file of containerd’s is not what it can read',
    try: `containerd config dump says which; move your own file out of ${MORE}`,
  },
  {
    match: /^ActiveState=(failed|activating)/,
    means: 'containerd does not start, or stops again',
    try: 'journalctl -u containerd -n 50 --no-pager says why',
    diagnosis: 'H11',
  },
];

/** containerd's configuration, of version 3: what kubelet expects of it, explicit where its own defaults may change. */
const CONFIG = `# Written by Landfall: containerd as kubelet expects it. What is to be otherwise goes into ${MORE}.
version = 3
imports = ["${MORE}/*.toml"]

[plugins."io.containerd.cri.v1.images".pinned_images]
sandbox = "${PAUSE}"

[plugins."io.containerd.cri.v1.images".registry]
config_path = "${WISHED.certs}"

[plugins."io.containerd.cri.v1.runtime".cni]
bin_dirs = ["/opt/cni/bin"]
conf_dir = "/etc/cni/net.d"

[plugins."io.containerd.cri.v1.runtime".containerd]
default_runtime_name = "runc"

[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"

[plugins."io.containerd.cri.v1.runtime".containerd.runtimes.runc.options]
SystemdCgroup = true
`;

/** What containerd reads, before it is started with it. */
export function containerdFiles(scene: Scene): readonly Step[] {
  return [config(scene), lastWord(scene)];
}

/** containerd itself. */
export function containerdService(scene: Scene): Step {
  const { unit, program, socket } = RUNTIME_PARTS.containerd;
  return service(
    {
      id: 'runtime/containerd',
      title: 'Run containerd, now and after every boot',
      why: 'The package starts containerd with the file it brings, which serves Docker and not kubelet. What was written to its files since is only paper until it is started again; containers go on meanwhile.',
      see: [SEE.runtimes],
      after: ['packages/installed', 'runtime/containerd-config'],
      disturbs: 'service',
      within: 30,
      awaits: 'containerd',
      clues: CONTAINERD_CLUES,
    },
    {
      unit,
      // What is below certs.d it reads at each pull. Programs in Go read whom they trust once, when they start.
      reads: [
        FILES.containerd,
        MORE,
        folder(WISHED.containerdProxy),
        ...(scene.cluster.trust === undefined ? [] : [WISHED.authorities]),
      ],
      program,
      socket,
    },
  );
}

function config(scene: Scene): Step {
  const path = FILES.containerd;
  return {
    id: 'runtime/containerd-config',
    title: 'Tell containerd what kubelet expects of it',
    why: 'The file the package brings switches off the very part that kubelet speaks with. And three things must be said: that systemd keeps the cgroups, as kubelet has it too, or two managers count one node’s memory twice and pods are ended for no reason; which image holds pods open, or a second one is pulled from somewhere unplanned and one of the two is cleared away as unused; and where mirrors are looked for.',
    see: [SEE.cri, SEE.runtimes],
    after: ['packages/installed'],
    probes: [kubeadmImages(scene)],
    read: sh`
      asked=$(probe kubeadm_images | grep '/pause:')
      { stat -c '%04a %U:%G' ${path} && sed "s#\${asked:-nothing is asked for}#"${PAUSE}# ${path}; } 2>/dev/null || echo absent`,
    want: `0644 root:root\n${CONFIG.trimEnd()}`,
    make: sh`
      asked=$(probe kubeadm_images | grep '/pause:') || { echo 'kubeadm does not say which image holds pods open'; exit 1; }
      mkdir -p ${folder(path)}
      umask 077
      sed s#${PAUSE}#"$asked"# >${draft(path)} ${heredoc(CONFIG)}
      chmod 0644 ${draft(path)}
      chown root:root ${draft(path)}
      ${inPlace(path)}`,
    undo: putBack(path),
    writes: [path],
    clues: [
      {
        match: /^disabled_plugins\b.*cri/,
        means: 'the file of the package lies there, which switches off what kubelet speaks with',
        try: 'landfall apply --only runtime writes its own',
        diagnosis: 'H13',
      },
      {
        match: /sandbox image.*inconsistent/,
        means: "kubeadm found another pause image in containerd's configuration",
        try: `containerd config dump | grep sandbox; look for another file in ${MORE}`,
        diagnosis: 'H28',
      },
      ...DISK_CLUES,
    ],
  };
}

/** What containerd makes of all its files together. */
function lastWord(scene: Scene): Step {
  return check(
    {
      id: 'runtime/containerd-last-word',
      title: 'See that no other file of containerd says otherwise',
      why: `Files in ${MORE} are read after ours, and the last one holds. One that a tool for GPUs or for sandboxes has left there can switch the cgroups or the pause image back without anybody being told.`,
      see: [SEE.cri],
      after: ['runtime/containerd-config'],
      probes: [kubeadmImages(scene)],
      clues: [
        {
          match: /^SystemdCgroup = (?!true)/,
          means:
            'containers would be put under cgroups of containerd’s own, while kubelet counts on systemd’s: their limits would not hold',
          try: `grep -rn SystemdCgroup ${MORE}; it must say true`,
        },
        {
          match: /^pods are held open by /,
          means: 'another file names another image than kubeadm’s for holding pods open',
          try: `grep -rn sandbox ${MORE}; take the line out`,
          diagnosis: 'H28',
        },
        {
          match: /^switched off: /,
          means: 'another file switches off the part of containerd that kubelet speaks with',
          try: `grep -rn disabled_plugins ${MORE}; take cri out of the list`,
          diagnosis: 'H13',
        },
        {
          match: /^mirrors are looked for in /,
          means: 'another file has containerd look for mirrors in another place than Landfall writes them to',
          try: `grep -rn config_path ${MORE}; take the line out`,
        },
        ...CONTAINERD_CLUES,
      ],
    },
    {
      read: sh`
        asked=$(probe kubeadm_images | grep '/pause:')
        if ! dump=$(containerd config dump 2>&1); then printf '%s\n' "$dump" | tail -n 2
        else printf '%s\n' "$dump" | tr '"' "'" | awk -v asked="$asked" -v certs=${WISHED.certs} -v q="'" '
          { line = $0; sub(/^[ \t]+/, "", line); value = line; sub(/^[^=]*= */, "", value); plain = value; gsub(q, "", plain) }
          line ~ /^\[/ { table = line; next }
          line ~ /^disabled_plugins *=/ && value ~ /cri/ { print "switched off: " value; bad = 1 }
          line ~ /^SystemdCgroup *=/ && table ~ /runtimes[.]runc[.]options\]/ { cgroup = value }
          line ~ /^sandbox(_image)? *=/ && table ~ /(pinned_images|[.]cri.)\]/ { pause = plain }
          line ~ /^config_path *=/ && table ~ /cri[^]]*registry\]/ { path = plain }
          END {
            if (cgroup != "true") { print "SystemdCgroup = " (cgroup == "" ? "not said" : cgroup); bad = 1 }
            if (pause != asked) { print "pods are held open by " pause; bad = 1 }
            if (path != certs) { print "mirrors are looked for in " path; bad = 1 }
            if (!bad) print "as it is written"
          }'; fi`,
      want: 'as it is written',
    },
  );
}
