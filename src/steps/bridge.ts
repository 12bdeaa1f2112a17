import { sh } from '../shell/sh.ts';
import { FLANNEL_SHARE } from './plugin.ts';
import type { Step } from './step.ts';

/** The bridge flannel has the plugin of that name make on each node, as soon as the first pod asks for an address. */
const BRIDGE = 'cni0';

/**
 * Prints what is wrong with the bridge itself, when it is there: the next pod would find it so, too. That it is not there is
 * no fault as long as no pod was on it.
 */
const wrongBridge = sh`
  link=$(ip -o link show dev ${BRIDGE} 2>/dev/null) || :
  has=$(ip -o -4 address show dev ${BRIDGE} 2>/dev/null | awk '{ print $4; exit }')
  share=$(sed -n 's/^FLANNEL_SUBNET=//p' ${FLANNEL_SHARE} 2>/dev/null) || :
  case $link in
    '') ;;
    *,UP,* | *,UP'>'*) if [ -n "$share" ] && [ "$has" != "$share" ]; then echo "the bridge has the address \${has:-none}, flannel's is $share"; fi ;;
    *) echo 'the bridge is down' ;;
  esac`;

/**
 * Prints `ID NAMESPACE/NAME` of each pod that runs and is on no bridge. Its device on the host tells of its network namespace,
 * and the runtime whose that is; the runtime is not asked while no device is alone. A pod that is just being connected is not
 * known to the runtime as ready.
 */
const cutOff = sh`
  alone=$(ip -o link show type veth 2>/dev/null | grep -E ': veth[0-9a-f]{8}@' | grep -v ${` master ${BRIDGE} `} | sed -n 's/.* link-netns \([^ ]*\).*/\1/p')
  if [ -n "$alone" ]; then
    crictl pods --state ready -q | while read -r id; do
      said=$(crictl inspectp -o go-template --template ${'{{.status.metadata.namespace}}/{{.status.metadata.name}}{{range .info.runtimeSpec.linux.namespaces}}{{with index . "path"}} {{.}}{{end}}{{end}}'} "$id") || continue
      for name in $alone; do
        case "$said " in *"/$name "*) echo "$id \${said%% *}" ;; esac
      done
    done
  fi`;

/** flannel's own bridge, which nothing makes again while its pods live. */
export function bridgeStep(about: Pick<Step, 'id' | 'after'>): Step {
  return {
    ...about,
    title: "Have the node's pods on their bridge",
    why: 'With flannel the pods of a node reach everybody through a bridge. It is made with the first pod and never again: when somebody deletes it, takes it down or changes its address, the pods run on with an address that leads nowhere, and only what needs them shows it.',
    see: ['https://www.cni.dev/plugins/current/main/bridge/'],
    disturbs: 'service',
    within: 30,
    awaits: 'the pods to be started anew',
    read: sh`
      found=$({
        ${wrongBridge}
        {
          ${cutOff}
        } | sed 's/^[^ ]* \(.*\)/\1 is on no bridge/' | sort
      })
      echo "$found" | sed 's/^$/all on it/'`,
    want: 'all on it',
    make: sh`
      wrong=$(
        ${wrongBridge}
      )
      if [ -n "$wrong" ]; then ip link delete ${BRIDGE}; fi
      # A pod whose sandbox has ended gets another from kubelet, and that another place on the bridge.
      {
        ${cutOff}
      } | while read -r id name; do
        echo "$name is started anew"
        crictl --timeout 60s stopp "$id" >/dev/null || crictl --timeout 60s stopp "$id" >/dev/null
      done`,
  };
}
