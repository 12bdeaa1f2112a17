import type { Cluster, NetworkPlugin } from '../model/cluster.ts';
import { registryHost } from '../model/registries.ts';
import { runtimeOf } from '../model/runtime.ts';
import { lines, type Shell, sh } from '../shell/sh.ts';
import { FETCH_CLUES } from './clues.ts';
import { fetch } from './fetch.ts';
import { check } from './kinds/check.ts';
import { minorOf } from './node.ts';
import { crioRepository, dockerRepository, haveAndWant, kubernetesRepository, packages } from './packages.ts';
import { PLUGIN_RELEASES } from '../model/plugin-release.ts';
import type { Scene } from './phase.ts';
import { FILES } from './places.ts';
import { wayOut } from './proxy.ts';
import { runtimeParts } from './runtime-parts.ts';
import type { Step } from './step.ts';

/** What the host must reach by itself: name servers, package repositories, registries. */
export function reachSteps(scene: Scene): readonly Step[] {
  return [resolver(), repositories(scene), registries(scene)];
}

function resolver(): Step {
  return check(
    {
      id: 'preflight/resolver',
      title: 'Ask name servers that pods can ask, too',
      why: "Pods ask CoreDNS, and CoreDNS asks whom the host's resolv.conf names. Where that is the host's own loopback, CoreDNS asks itself, sees the loop and stops; then no name is resolved in the whole cluster.",
      see: ['https://coredns.io/plugins/loop/#troubleshooting'],
      clues: [
        {
          match: /^nameserver /,
          means:
            'resolv.conf names a resolver on the host itself (dnsmasq, unbound, a stub); from inside a pod that address is the pod',
          try: "name your network's own servers in the file shown; with systemd-resolved kubeadm finds them by itself: systemctl enable --now systemd-resolved",
          diagnosis: 'H51',
        },
        {
          match: / is not there$/,
          means: 'kubelet copies that file into pods, and starts none without it',
          try: 'bring the file back (systemctl enable --now systemd-resolved for the one below /run/systemd), or write one with a nameserver line for each server',
          diagnosis: 'H51',
        },
      ],
    },
    {
      // kubeadm decides once, at init, by whether systemd-resolved runs; after that kubelet's file says which it is.
      read: sh`
        file=$(sed -n 's/^resolvConf: *//p' /var/lib/kubelet/config.yaml 2>/dev/null | tr -d '"')
        if [ -n "$file" ]; then :
        elif systemctl is-active -q systemd-resolved; then file=/run/systemd/resolve/resolv.conf
        else file=/etc/resolv.conf; fi
        if ! [ -e "$file" ]; then echo "$file is not there"
        else
          awk -v file="$file" '
            $1 == "nameserver" && $2 ~ /^(127[.]|0[.]0[.]0[.]0$|::1$)/ { print "nameserver " $2 " in " file; bad = 1 }
            END { if (!bad) print "none on the loopback" }' "$file"
        fi`,
      want: 'none on the loopback',
    },
  );
}

const REACHED = 'reached, or not needed';

/**
 * Fetches all of `"$@"` at once, and prints what apt's downloader says of those that give nothing; else that all were
 * reached. A refusal that holds `$answer` is answer enough.
 */
function reached(cluster: Cluster, hosts: readonly string[] = []): Shell {
  const names = hosts.map((host) => host.replace(/:\d+$/, ''));
  const { before, options } = wayOut(cluster, sh`"$at"`, names);
  return lines(
    sh`at=$(mktemp -d)`,
    ...before,
    sh`
  n=100
  for url; do
    n=$((n + 1))
    (
      said=$(${fetch(sh`"$url"`, sh`"$at/$n.got"`, options)} 2>&1) || echo "$said" | grep -q "$answer" ||
        echo "$said" | grep '^E: Failed' || echo "E: Failed to fetch $url"
    ) >"$at/$n.said" 2>/dev/null &
  done
  wait
  cat "$at"/*.said 2>/dev/null | grep . || echo ${REACHED}
  rm -rf "$at"`,
  );
}

function repositories(scene: Scene): Step {
  const { lock, cluster, node, facts } = scene;
  const minor = minorOf(lock.kubernetes);
  const runtime =
    runtimeOf(cluster, node) === 'cri-o'
      ? crioRepository(minor)
      : `${dockerRepository(facts.os)}/dists/${facts.codename}/`;
  return check(
    {
      id: 'preflight/reachable',
      probes: [packages(scene)],
      title: 'Reach the package repositories',
      why: 'The host itself fetches what it installs. A firewall or a proxy in between is best found before anything has been changed. Once the packages are there, nobody asks.',
      see: ['https://kubernetes.io/blog/2023/08/15/pkgs-k8s-io-introduction/'],
      clues: FETCH_CLUES,
    },
    {
      read: sh`
        ${haveAndWant(scene)}
        if [ "$have" = "$want" ]; then set --
        else set -- ${[kubernetesRepository(minor), runtime].map((url) => `${url}InRelease`)}; fi
        answer='never, a file is wanted'
        ${reached(cluster)}`,
      want: REACHED,
    },
  );
}

/** Where the images of a plugin come from; those of Kubernetes itself come from registry.k8s.io. */
function registriesOf(plugin: NetworkPlugin): readonly string[] {
  if (plugin === 'none') return [];
  return PLUGIN_RELEASES[plugin].images.map((image) => image.slice(0, image.indexOf('/')));
}

/** Whom a pull from a registry asks first: its mirrors where it has some, though nothing can be said beforehand of one without TLS. */
function placesOf(host: string, { registries: wished }: Scene['cluster']): readonly string[] {
  const mirrors = (wished?.mirrors ?? []).filter(({ of }) => of === host);
  if (mirrors.length === 0) return [host];
  return [...new Set(mirrors.filter(({ insecure }) => !insecure).map(({ at }) => registryHost(at)))];
}

function registries(scene: Scene): Step {
  const { cluster } = scene;
  const { title, unit } = runtimeParts(scene);
  const hosts = [...new Set(['registry.k8s.io', ...registriesOf(cluster.network.plugin)])].flatMap((host) =>
    placesOf(host, cluster),
  );
  return check(
    {
      id: 'preflight/registries',
      title: 'Reach the registries of the images',
      why: 'The control plane and the network plugin come as images, and each node pulls its own. A registry that turns this host away is found here and not in the middle of the making. Once there is a cluster, nobody asks.',
      see: ['https://kubernetes.io/blog/2022/11/28/registry-k8s-io-faster-cheaper-ga/'],
      clues: [
        {
          match: /\s403\s/,
          means:
            'the registry turns this address away: Google, who serve registry.k8s.io, do that to some hosting networks, and some proxies to everything they do not know',
          try: 'curl -sI https://registry.k8s.io/v2/ from this host and from another; use a registry mirror if only this one is refused',
          diagnosis: 'H25',
        },
        ...FETCH_CLUES.filter(({ match }) => !match.test('403') && !match.test('E: Failed')),
        {
          match: /^E: Failed/,
          means: 'the host cannot reach the registry',
          try: `open https to ${hosts.join(', ')}, or give ${title} a proxy (systemctl edit ${unit}: Environment=HTTPS_PROXY=…)`,
          diagnosis: 'H25',
        },
      ],
    },
    {
      // A registry that asks who one is has been reached: pulling asks it for a token first.
      read: sh`
        if [ -e ${FILES.initialised} ]; then set --; else set -- ${hosts.map((host) => `https://${host}/v2/`)}; fi
        answer='401  *Unauthorized'
        ${reached(cluster, hosts)}`,
      want: REACHED,
    },
  );
}
