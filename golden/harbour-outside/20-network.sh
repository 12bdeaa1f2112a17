#!/bin/sh
# harbour · cp-0 · Connect the pods

# A record: the byte 036 octal, the step's number, a word, and texts in base64. All else on the stream is output.
say() { printf '\036%s\n' "$*"; }
b64() { [ -z "$1" ] || printf '%s' "$1" | base64 -w0; }

# A probe is run once, however many readings ask for it, until a step is made. What it complains about, it tells each of them; and when
# timeout has ended it, which says nothing, that.
probe() {
  [ -e "$tmp/probes/$1.over" ] || {
    "probe_$1" >"$tmp/probes/$1" 2>"$tmp/probes/$1.note" || [ $? -ne 124 ] || echo 'no answer in time' >>"$tmp/probes/$1.note"
    : >"$tmp/probes/$1.over"
  }
  [ ! -s "$tmp/probes/$1.note" ] || cat "$tmp/probes/$1.note" >&2
  cat "$tmp/probes/$1"
}

# What the reading of step $1 prints now, in $reading; what it complains about, in $tmp/note.
look() { reading=$("read_$1" 2>"$tmp/note" </dev/null); }
note() { tail -c 2000 "$tmp/note" | base64 -w0; }

slot() { cat "$tmp/slots/$1"; }
gave() { [ -e "$given/$1" ]; }
give() { ( umask 077; mkdir -p "$given"; printf '%s' "$2" >"$given/.$1"; mv "$given/.$1" "$given/$1" ); }

stopped=
# Seconds that no setting of the clock moves, where the system has them.
clock() { if [ -r /proc/uptime ]; then IFS='. ' read -r t _ </proc/uptime; else t=$(date +%s); fi; }
# Makes step $1, and leaves in $status how it ended. What may be made again is, when it has failed with the words of that, for up to $2
# seconds.
bring() {
  eval "again=\${again_$1-}"
  if [ -z "$again" ]; then ( set -eu; "make_$1" ) </dev/null 2>&1; status=$?; return; fi
  clock; begun=$t
  while :; do
    { ( set -eu; "make_$1" ) </dev/null 2>&1; echo "$?" >"$tmp/status"; } | tee "$tmp/said"
    status=$(cat "$tmp/status"); clock
    if [ "$status" -eq 0 ] || [ -e "$stop" ] || [ $((t - begun)) -ge "$2" ] || ! grep -qE -e "$again" "$tmp/said"; then break; fi
    echo 'no answer in time: it is made again'; sleep 1
  done
  rm -f "$tmp/said"
}
# step NUMBER make|check SECONDS: look; when it is not as wanted, make it; look again until it is or the time is over, soon at
# first and then every second.
step() {
  n=$1; kind=$2; within=$3
  if [ -e "$stop" ]; then say "$n" skipped stop; return; fi
  if [ "$stopped" = make ] || { [ -n "$stopped" ] && [ "$kind" = make ]; }; then say "$n" skipped; return; fi
  look "$n"; eval "want=\$want_$n"
  if [ "$reading" = "$want" ]; then say "$n" right; return; fi
  if [ "$kind" = make ]; then
    say "$n" differs "$(b64 "$reading")" "$(note)"
    bring "$n" "$within"
    rm -f "$tmp"/probes/*
    look "$n"
    if [ "$status" -ne 0 ]; then say "$n" failed "$status" "$(b64 "$reading")" "$(note)"; stopped=make; return; fi
  fi
  clock; begun=$t; waited=0; told=-10; last=; pause=0.2
  while [ "$reading" != "$want" ] && [ "$waited" -lt "$within" ]; do
    if [ "$reading" != "$last" ] || [ $((waited - told)) -ge 10 ]; then
      say "$n" waiting "$waited" "$(b64 "$reading")" "$(note)"; last=$reading; told=$waited
    fi
    if [ -e "$stop" ]; then break; fi
    sleep "$pause"; rm -f "$tmp"/probes/*; look "$n"
    case $pause in 0.2) pause=0.4 ;; 0.4) pause=0.7 ;; *) pause=1 ;; esac
    clock; waited=$((t - begun))
  done
  if [ "$reading" = "$want" ]; then if [ "$kind" = make ]; then say "$n" made; else say "$n" right; fi
  elif [ "$kind" = make ]; then say "$n" unproven "$(b64 "$reading")" "$(note)"; stopped=make
  else say "$n" wrong "$(b64 "$reading")" "$(note)"; if [ -z "$stopped" ]; then stopped=check; fi; fi
}

probe_api() {
timeout 30 kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=https://10.0.0.11:6443 --request-timeout=5s --cache-dir=/run/landfall-kubectl get --raw /readyz
}

probe_kept_in_cluster() {
[ "$(probe api)" = ok ] || return 0
timeout 30 kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=https://10.0.0.11:6443 --request-timeout=5s --cache-dir=/run/landfall-kubectl -n kube-system get --ignore-not-found ConfigMap/kubeadm-config ConfigMap/kubelet-config ConfigMap/coredns ConfigMap/kube-proxy ClusterRoleBinding/kubeadm:cluster-admins Deployment/coredns Service/kube-dns DaemonSet/kube-proxy ConfigMap/landfall-applied -o jsonpath='{range .items[*]}{.kind}/{.metadata.name}{"\n"}{end}answered{"\n"}{.items[?(@.metadata.name=="kubeadm-config")].data.ClusterConfiguration}{"\n"}{.items[?(@.metadata.name=="kubelet-config")].data.kubelet}{"\n"}proxied{"\n"}{.items[?(@.metadata.name=="kube-proxy")].data.kubeconfig\.conf}{"\n"}written|{.items[?(@.metadata.name=="kube-proxy")].metadata.annotations.landfall/kubeconfig-written}|{.items[?(@.metadata.name=="kube-proxy")].spec.template.metadata.annotations.landfall/kubeconfig-written}{"\n"}recorded{"\n"}{.items[?(@.metadata.name=="landfall-applied")].data.history}{"\n"}spec{"\n"}{.items[?(@.metadata.name=="landfall-applied")].data.cluster\.yaml}'
}

probe_kube_proxy() {
probe kept_in_cluster | sed -e '1,/^proxied$/d' -e '/^recorded$/,$d'
}

probe_overview() {
[ "$(probe api)" = ok ] || return 0
timeout 30 kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=https://10.0.0.11:6443 --request-timeout=5s --cache-dir=/run/landfall-kubectl get nodes,daemonsets,deployments,namespaces,certificatesigningrequests -A -o jsonpath='{range .items[?(@.kind=="Node")]}node|{.metadata.name}|{.status.addresses[?(@.type=="InternalIP")].address}|{.status.nodeInfo.kubeletVersion}|{.status.conditions[?(@.type=="Ready")].status}|{.spec.taints[?(@.key=="node-role.kubernetes.io/control-plane")].effect}|{.metadata.labels}|{.status.conditions[?(@.type=="Ready")].message}{"\n"}{end}{range .items[?(@.kind=="DaemonSet")]}rollout|{.metadata.namespace}/{.kind}/{.metadata.name}|{.metadata.generation}|{.status.observedGeneration}|{.status.desiredNumberScheduled}{.status.replicas}|{.status.updatedNumberScheduled}{.status.updatedReplicas}|{.status.numberReady}{.status.readyReplicas}{"\n"}{end}{range .items[?(@.kind=="Deployment")]}rollout|{.metadata.namespace}/{.kind}/{.metadata.name}|{.metadata.generation}|{.status.observedGeneration}|{.status.desiredNumberScheduled}{.status.replicas}|{.status.updatedNumberScheduled}{.status.updatedReplicas}|{.status.numberReady}{.status.readyReplicas}{"\n"}{end}{range .items[?(@.kind=="Namespace")]}namespace|{.metadata.name}|{.metadata.deletionTimestamp}|{.metadata.uid}{"\n"}{end}{range .items[?(@.kind=="CertificateSigningRequest")]}request|{.spec.signerName}|{.spec.username}|{.status.conditions[*].type}{"\n"}{end}'
}

probe_rollouts() {
probe overview | sed -n 's/^rollout|//p'
}

probe_served_certificate() {
if ! [ -e /var/lib/kubelet/pki/kubelet-server-current.pem ]; then echo 'none yet'
elif said=$(openssl verify -CAfile /etc/kubernetes/pki/ca.crt -purpose sslserver -verify_hostname cp-0 -verify_ip 10.0.0.11 /var/lib/kubelet/pki/kubelet-server-current.pem 2>&1); then echo 'signed by the cluster'
else printf '%s\n' "$said" | sed -n 's/^error [0-9]* at 0 depth lookup: *//p' | grep . || echo 'it cannot be read'; fi
}

# ── 1 endpoint/kube-proxy: Have kube-proxy go to the right API server
# kube-proxy hears of Services and their pods from the API server, by a kubeconfig of its own in the cluster, which it reads when it starts. One that is not told of another endpoint goes on with what it knew until the old one is gone, and then its rules grow old on every node.
read_1() {
said=$(probe kube_proxy)
if [ -z "$said" ]; then echo 'the API server does not answer'
else
  printf '%s\n' "$said" | sed -n 's/^ *server: //p' | grep . || echo 'it is told nothing'
  printf '%s\n' "$said" | awk -F '|' '$1 == "written" && $2 != $3 { print "its pods are yet to be started anew" }'
fi
}
want_1=https://api.example.com:6443
make_1() {
said=$(timeout 30 kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=https://10.0.0.11:6443 --request-timeout=5s --cache-dir=/run/landfall-kubectl -n kube-system get configmap kube-proxy -o 'jsonpath={.data.kubeconfig\.conf}')
if [ -z "$said" ]; then echo 'there is no kubeconfig of kube-proxy in the cluster'; exit 1; fi
if ! printf '%s\n' "$said" | grep -qE '^ *server: https://api\.example\.com:6443$'; then
  at=$(mktemp -d)
  printf '%s\n' "$said" | sed 's#^\( *server: \).*#\1https://api.example.com:6443#' >"$at/kubeconfig.conf"
  timeout 30 kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=https://10.0.0.11:6443 --request-timeout=5s --cache-dir=/run/landfall-kubectl -n kube-system create configmap kube-proxy --from-file="$at/kubeconfig.conf" --dry-run=client -o yaml |
    timeout 30 kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=https://10.0.0.11:6443 --request-timeout=5s --cache-dir=/run/landfall-kubectl -n kube-system annotate --local -f - landfall/kubeconfig-written="$(date -u +%FT%T.%NZ)" -o yaml |
    timeout 30 kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=https://10.0.0.11:6443 --request-timeout=5s --cache-dir=/run/landfall-kubectl -n kube-system apply --server-side --force-conflicts --field-manager=landfall -f -
  rm -rf "$at"
fi
written=$(timeout 30 kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=https://10.0.0.11:6443 --request-timeout=5s --cache-dir=/run/landfall-kubectl -n kube-system get configmap kube-proxy -o 'jsonpath={.metadata.annotations.landfall/kubeconfig-written}')
timeout 30 kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=https://10.0.0.11:6443 --request-timeout=5s --cache-dir=/run/landfall-kubectl -n kube-system patch daemonset kube-proxy -p "$(printf '{"spec":{"template":{"metadata":{"annotations":{"landfall/kubeconfig-written":"%s"}}}}}' "$written")"
}

# ── 2 network/one-plugin: Have no other network plugin in the cluster
# Two plugins give the same pods two sets of addresses and routes, and which one a pod gets depends on the order of two files.
read_2() {
probe rollouts | awk -F '|' -v known='calico-system/DaemonSet/calico-node=calico;kube-system/DaemonSet/cilium=cilium;kube-system/DaemonSet/calico-node=calico, from a manifest;kube-system/DaemonSet/canal=canal;kube-system/DaemonSet/kube-flannel-ds=flannel, from an old manifest;kube-system/DaemonSet/kube-router=kube-router;kube-system/DaemonSet/weave-net=weave' '
  BEGIN { n = split(known, list, ";"); for (i = 1; i <= n; i++) { split(list[i], pair, "="); title[pair[1]] = pair[2] } }
  $1 in title { print "the cluster has " title[$1]; other = 1 }
  { seen = 1 }
  END { if (!seen) print "the cluster says nothing"; else if (!other) print "no other" }'
}
want_2='no other'

# ── 3 network/flannel: Put flannel 0.28.10 into the cluster
# Kubernetes says that every pod reaches every other by its address, and leaves the doing to a plugin. flannel gives each node a slice of the pod network. Packets of pods travel inside UDP between nodes, 1450 bytes at most. Without a plugin no node becomes ready.
read_3() {
said=
if [ "$(probe api)" = ok ]; then
  said=$(KUBECTL_EXTERNAL_DIFF='diff -N -U1' timeout 30 kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=https://10.0.0.11:6443 --request-timeout=5s --cache-dir=/run/landfall-kubectl diff --server-side --field-manager=landfall --force-conflicts -f - <<'END'
apiVersion: v1
kind: Namespace
metadata:
  name: kube-flannel
  labels:
    k8s-app: flannel
    pod-security.kubernetes.io/enforce: privileged
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: flannel
  labels:
    k8s-app: flannel
rules:
  - apiGroups:
      - ""
    resources:
      - pods
    verbs:
      - get
  - apiGroups:
      - ""
    resources:
      - nodes
    verbs:
      - get
      - list
      - watch
  - apiGroups:
      - ""
    resources:
      - nodes/status
    verbs:
      - patch
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: flannel
  labels:
    k8s-app: flannel
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: flannel
subjects:
  - kind: ServiceAccount
    name: flannel
    namespace: kube-flannel
---
apiVersion: v1
kind: ServiceAccount
metadata:
  name: flannel
  namespace: kube-flannel
  labels:
    k8s-app: flannel
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: kube-flannel-cfg
  namespace: kube-flannel
  labels:
    k8s-app: flannel
    tier: node
    app: flannel
data:
  cni-conf.json: |
    {
      "name": "cbr0",
      "cniVersion": "1.0.0",
      "plugins": [
        {
          "type": "flannel",
          "delegate": {
            "hairpinMode": true,
            "isDefaultGateway": true
          }
        },
        {
          "type": "portmap",
          "capabilities": {
            "portMappings": true
          }
        }
      ]
    }
  net-conf.json: |
    {
      "Network": "10.244.0.0/16",
      "EnableNFTables": false,
      "Backend": {
        "Type": "vxlan",
        "MTU": 1500
      }
    }
---
apiVersion: apps/v1
kind: DaemonSet
metadata:
  name: kube-flannel-ds
  namespace: kube-flannel
  labels:
    k8s-app: flannel
    tier: node
    app: flannel
spec:
  selector:
    matchLabels:
      app: flannel
  template:
    metadata:
      labels:
        tier: node
        app: flannel
    spec:
      nodeSelector:
        kubernetes.io/os: linux
      hostNetwork: true
      priorityClassName: system-node-critical
      tolerations:
        - operator: Exists
          effect: NoSchedule
      serviceAccountName: flannel
      initContainers:
        - name: install-cni-plugin
          image: ghcr.io/flannel-io/flannel-cni-plugin:v1.9.1-flannel3
          command:
            - cp
          args:
            - -f
            - /flannel
            - /opt/cni/bin/flannel
          volumeMounts:
            - name: cni-plugin
              mountPath: /opt/cni/bin
        - name: install-cni
          image: ghcr.io/flannel-io/flannel:v0.28.10
          command:
            - /opt/bin/install-conf
          args:
            - /etc/kube-flannel/cni-conf.json
            - /etc/cni/net.d/10-flannel.conflist
          volumeMounts:
            - name: cni
              mountPath: /etc/cni/net.d
            - name: flannel-cfg
              mountPath: /etc/kube-flannel/
      containers:
        - name: kube-flannel
          image: ghcr.io/flannel-io/flannel:v0.28.10
          command:
            - /opt/bin/flanneld
          args:
            - --ip-masq
            - --kube-subnet-mgr
            - --healthz-port=8081
            - --iface=$(NODE_ADDRESS)
          ports:
            - name: healthz
              containerPort: 8081
              protocol: TCP
          livenessProbe:
            httpGet:
              path: /healthz
              port: healthz
            initialDelaySeconds: 10
            periodSeconds: 30
          readinessProbe:
            httpGet:
              path: /readyz
              port: healthz
            periodSeconds: 2
          resources:
            requests:
              cpu: 100m
              memory: 50Mi
          securityContext:
            privileged: false
            capabilities:
              add:
                - NET_ADMIN
                - NET_RAW
          env:
            - name: POD_NAME
              valueFrom:
                fieldRef:
                  fieldPath: metadata.name
            - name: POD_NAMESPACE
              valueFrom:
                fieldRef:
                  fieldPath: metadata.namespace
            - name: NODE_ADDRESS
              valueFrom:
                fieldRef:
                  fieldPath: status.hostIP
            - name: EVENT_QUEUE_DEPTH
              value: "5000"
            - name: CONT_WHEN_CACHE_NOT_READY
              value: "false"
          volumeMounts:
            - name: run
              mountPath: /run/flannel
            - name: flannel-cfg
              mountPath: /etc/kube-flannel/
            - name: xtables-lock
              mountPath: /run/xtables.lock
      volumes:
        - name: run
          hostPath:
            path: /run/flannel
        - name: cni-plugin
          hostPath:
            path: /opt/cni/bin
        - name: cni
          hostPath:
            path: /etc/cni/net.d
        - name: flannel-cfg
          configMap:
            name: kube-flannel-cfg
        - name: xtables-lock
          hostPath:
            path: /run/xtables.lock
            type: FileOrCreate
END
  echo "status $?")
fi
case $said in
  'status 0') echo 'as wanted' ;;
  *'status 1') printf '%s\n' "$said" | grep -v -e '^diff ' -e '^--- ' -e '^+++ ' -e '^@@' -e '^status 1$' ;;
  *) echo 'not there, or the API server does not answer' ;;
esac
}
want_3='as wanted'
again_3='no answer in time|context deadline exceeded|Client\.Timeout|TLS handshake timeout|i/o timeout|connection reset by peer|client connection lost|when reading response body|Unable to connect to the server: .*(EOF|GOAWAY)|was refused - did you specify|\[-\][a-z0-9/-]+ failed: reason withheld|etcdserver: (request timed out|leader changed)|Error from server \((Timeout|TooManyRequests|ServiceUnavailable)\)|currently unable to handle the request'
make_3() {
timeout 30 kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=https://10.0.0.11:6443 --request-timeout=5s --cache-dir=/run/landfall-kubectl apply --server-side --field-manager=landfall --force-conflicts -f - <<'END'
apiVersion: v1
kind: Namespace
metadata:
  name: kube-flannel
  labels:
    k8s-app: flannel
    pod-security.kubernetes.io/enforce: privileged
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: flannel
  labels:
    k8s-app: flannel
rules:
  - apiGroups:
      - ""
    resources:
      - pods
    verbs:
      - get
  - apiGroups:
      - ""
    resources:
      - nodes
    verbs:
      - get
      - list
      - watch
  - apiGroups:
      - ""
    resources:
      - nodes/status
    verbs:
      - patch
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata:
  name: flannel
  labels:
    k8s-app: flannel
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: ClusterRole
  name: flannel
subjects:
  - kind: ServiceAccount
    name: flannel
    namespace: kube-flannel
---
apiVersion: v1
kind: ServiceAccount
metadata:
  name: flannel
  namespace: kube-flannel
  labels:
    k8s-app: flannel
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: kube-flannel-cfg
  namespace: kube-flannel
  labels:
    k8s-app: flannel
    tier: node
    app: flannel
data:
  cni-conf.json: |
    {
      "name": "cbr0",
      "cniVersion": "1.0.0",
      "plugins": [
        {
          "type": "flannel",
          "delegate": {
            "hairpinMode": true,
            "isDefaultGateway": true
          }
        },
        {
          "type": "portmap",
          "capabilities": {
            "portMappings": true
          }
        }
      ]
    }
  net-conf.json: |
    {
      "Network": "10.244.0.0/16",
      "EnableNFTables": false,
      "Backend": {
        "Type": "vxlan",
        "MTU": 1500
      }
    }
---
apiVersion: apps/v1
kind: DaemonSet
metadata:
  name: kube-flannel-ds
  namespace: kube-flannel
  labels:
    k8s-app: flannel
    tier: node
    app: flannel
spec:
  selector:
    matchLabels:
      app: flannel
  template:
    metadata:
      labels:
        tier: node
        app: flannel
    spec:
      nodeSelector:
        kubernetes.io/os: linux
      hostNetwork: true
      priorityClassName: system-node-critical
      tolerations:
        - operator: Exists
          effect: NoSchedule
      serviceAccountName: flannel
      initContainers:
        - name: install-cni-plugin
          image: ghcr.io/flannel-io/flannel-cni-plugin:v1.9.1-flannel3
          command:
            - cp
          args:
            - -f
            - /flannel
            - /opt/cni/bin/flannel
          volumeMounts:
            - name: cni-plugin
              mountPath: /opt/cni/bin
        - name: install-cni
          image: ghcr.io/flannel-io/flannel:v0.28.10
          command:
            - /opt/bin/install-conf
          args:
            - /etc/kube-flannel/cni-conf.json
            - /etc/cni/net.d/10-flannel.conflist
          volumeMounts:
            - name: cni
              mountPath: /etc/cni/net.d
            - name: flannel-cfg
              mountPath: /etc/kube-flannel/
      containers:
        - name: kube-flannel
          image: ghcr.io/flannel-io/flannel:v0.28.10
          command:
            - /opt/bin/flanneld
          args:
            - --ip-masq
            - --kube-subnet-mgr
            - --healthz-port=8081
            - --iface=$(NODE_ADDRESS)
          ports:
            - name: healthz
              containerPort: 8081
              protocol: TCP
          livenessProbe:
            httpGet:
              path: /healthz
              port: healthz
            initialDelaySeconds: 10
            periodSeconds: 30
          readinessProbe:
            httpGet:
              path: /readyz
              port: healthz
            periodSeconds: 2
          resources:
            requests:
              cpu: 100m
              memory: 50Mi
          securityContext:
            privileged: false
            capabilities:
              add:
                - NET_ADMIN
                - NET_RAW
          env:
            - name: POD_NAME
              valueFrom:
                fieldRef:
                  fieldPath: metadata.name
            - name: POD_NAMESPACE
              valueFrom:
                fieldRef:
                  fieldPath: metadata.namespace
            - name: NODE_ADDRESS
              valueFrom:
                fieldRef:
                  fieldPath: status.hostIP
            - name: EVENT_QUEUE_DEPTH
              value: "5000"
            - name: CONT_WHEN_CACHE_NOT_READY
              value: "false"
          volumeMounts:
            - name: run
              mountPath: /run/flannel
            - name: flannel-cfg
              mountPath: /etc/kube-flannel/
            - name: xtables-lock
              mountPath: /run/xtables.lock
      volumes:
        - name: run
          hostPath:
            path: /run/flannel
        - name: cni-plugin
          hostPath:
            path: /opt/cni/bin
        - name: cni
          hostPath:
            path: /etc/cni/net.d
        - name: flannel-cfg
          configMap:
            name: kube-flannel-cfg
        - name: xtables-lock
          hostPath:
            path: /run/xtables.lock
            type: FileOrCreate
END
}

# ── 4 control-plane/serving: Have kubelet serve a certificate the cluster has signed
# The API server hands commands and whole sessions to whoever answers at the address of a node, and metrics are read from there. Only a certificate of the cluster’s own authority shows that it is the node’s kubelet.
read_4() {
probe served_certificate
}
want_4='signed by the cluster'
make_4() {
now() {
  if ! [ -e /var/lib/kubelet/pki/kubelet-server-current.pem ]; then echo 'none yet'
elif said=$(openssl verify -CAfile /etc/kubernetes/pki/ca.crt -purpose sslserver -verify_hostname cp-0 -verify_ip 10.0.0.11 /var/lib/kubelet/pki/kubelet-server-current.pem 2>&1); then echo 'signed by the cluster'
else printf '%s\n' "$said" | sed -n 's/^error [0-9]* at 0 depth lookup: *//p' | grep . || echo 'it cannot be read'; fi
}
tries=0
until /usr/local/sbin/landfall-approve list 2>/dev/null | grep -qxF cp-0 || [ "$(now)" = 'signed by the cluster' ] || [ "$tries" -ge 60 ]; do
  tries=$((tries + 1)); sleep 1
done
/usr/local/sbin/landfall-approve
}

# ── 5 network/conflist: Find the plugin's configuration, and none before it
# The runtime takes the first file of /etc/cni/net.d. Only when that is the one flannel has written do pods get addresses of the cluster.
read_5() {
first=$(ls /etc/cni/net.d/*.conf /etc/cni/net.d/*.conflist /etc/cni/net.d/*.json 2>/dev/null | sort | head -n 1)
if [ "$first" != /etc/cni/net.d/10-flannel.conflist ]; then echo "${first:-none}"
elif cmp -s - /etc/cni/net.d/10-flannel.conflist <<'END'
{
  "name": "cbr0",
  "cniVersion": "1.0.0",
  "plugins": [
    {
      "type": "flannel",
      "delegate": {
        "hairpinMode": true,
        "isDefaultGateway": true
      }
    },
    {
      "type": "portmap",
      "capabilities": {
        "portMappings": true
      }
    }
  ]
}
END
then echo '/etc/cni/net.d/10-flannel.conflist, as flannel wrote it'
else echo '/etc/cni/net.d/10-flannel.conflist, changed since flannel wrote it'; fi
}
want_5='/etc/cni/net.d/10-flannel.conflist, as flannel wrote it'
make_5() {
case $(ls /etc/cni/net.d/*.conf /etc/cni/net.d/*.conflist /etc/cni/net.d/*.json 2>/dev/null | sort | head -n 1) in '' | /etc/cni/net.d/10-flannel.conflist) ;; *) exit 1 ;; esac
ready() {
  timeout 30 kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=https://10.0.0.11:6443 --request-timeout=5s --cache-dir=/run/landfall-kubectl -n kube-flannel get pods -l app=flannel --field-selector spec.nodeName=cp-0 \
    -o 'jsonpath={range .items[?(@.status.containerStatuses[0].ready==true)]}{.metadata.name} {end}'
}
# Where many join at once an API server may be too busy to answer: a question that took five seconds counts for twelve.
seek() { pods=$(ready) || { pods=; tries=$((tries + 12)); }; }
# Just after the runtime was restarted a pod that has long written it is not ready, and looks like one that is about to.
tries=0; seek
while [ -z "$pods" ] && [ "$tries" -lt 150 ] && ! [ -e /etc/cni/net.d/10-flannel.conflist ]; do tries=$((tries + 1)); sleep 0.4; seek; done
if [ -n "$pods" ]; then timeout 30 kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=https://10.0.0.11:6443 --request-timeout=5s --cache-dir=/run/landfall-kubectl -n kube-flannel delete pod $pods --wait=false
else
  echo 'the pod that writes it is about to start'
  # A pod that came too early is tried again only after ten to fifteen seconds; one in its place at once.
  tries=0
  while [ -e /etc/cni/net.d/10-flannel.conflist ] && ! [ -e /run/flannel/subnet.env ] && [ "$tries" -lt 100 ]; do tries=$((tries + 1)); sleep 0.2; done
  timeout 30 kubectl --kubeconfig=/etc/kubernetes/admin.conf --server=https://10.0.0.11:6443 --request-timeout=5s --cache-dir=/run/landfall-kubectl -n kube-system delete pod -l k8s-app=kube-dns --field-selector status.phase=Pending --wait=false
fi
}

# ── 6 network/bridge: Have the node's pods on their bridge
# With flannel the pods of a node reach everybody through a bridge. It is made with the first pod and never again: when somebody deletes it, takes it down or changes its address, the pods run on with an address that leads nowhere, and only what needs them shows it.
read_6() {
found=$({
  link=$(ip -o link show dev cni0 2>/dev/null) || :
has=$(ip -o -4 address show dev cni0 2>/dev/null | awk '{ print $4; exit }')
share=$(sed -n 's/^FLANNEL_SUBNET=//p' /run/flannel/subnet.env 2>/dev/null) || :
case $link in
  '') ;;
  *,UP,* | *,UP'>'*) if [ -n "$share" ] && [ "$has" != "$share" ]; then echo "the bridge has the address ${has:-none}, flannel's is $share"; fi ;;
  *) echo 'the bridge is down' ;;
esac
  {
    alone=$(ip -o link show type veth 2>/dev/null | grep -E ': veth[0-9a-f]{8}@' | grep -v ' master cni0 ' | sed -n 's/.* link-netns \([^ ]*\).*/\1/p')
if [ -n "$alone" ]; then
  crictl pods --state ready -q | while read -r id; do
    said=$(crictl inspectp -o go-template --template '{{.status.metadata.namespace}}/{{.status.metadata.name}}{{range .info.runtimeSpec.linux.namespaces}}{{with index . "path"}} {{.}}{{end}}{{end}}' "$id") || continue
    for name in $alone; do
      case "$said " in *"/$name "*) echo "$id ${said%% *}" ;; esac
    done
  done
fi
  } | sed 's/^[^ ]* \(.*\)/\1 is on no bridge/' | sort
})
echo "$found" | sed 's/^$/all on it/'
}
want_6='all on it'
make_6() {
wrong=$(
  link=$(ip -o link show dev cni0 2>/dev/null) || :
has=$(ip -o -4 address show dev cni0 2>/dev/null | awk '{ print $4; exit }')
share=$(sed -n 's/^FLANNEL_SUBNET=//p' /run/flannel/subnet.env 2>/dev/null) || :
case $link in
  '') ;;
  *,UP,* | *,UP'>'*) if [ -n "$share" ] && [ "$has" != "$share" ]; then echo "the bridge has the address ${has:-none}, flannel's is $share"; fi ;;
  *) echo 'the bridge is down' ;;
esac
)
if [ -n "$wrong" ]; then ip link delete cni0; fi
# A pod whose sandbox has ended gets another from kubelet, and that another place on the bridge.
{
  alone=$(ip -o link show type veth 2>/dev/null | grep -E ': veth[0-9a-f]{8}@' | grep -v ' master cni0 ' | sed -n 's/.* link-netns \([^ ]*\).*/\1/p')
if [ -n "$alone" ]; then
  crictl pods --state ready -q | while read -r id; do
    said=$(crictl inspectp -o go-template --template '{{.status.metadata.namespace}}/{{.status.metadata.name}}{{range .info.runtimeSpec.linux.namespaces}}{{with index . "path"}} {{.}}{{end}}{{end}}' "$id") || continue
    for name in $alone; do
      case "$said " in *"/$name "*) echo "$id ${said%% *}" ;; esac
    done
  done
fi
} | while read -r id name; do
  echo "$name is started anew"
  crictl --timeout 60s stopp "$id" >/dev/null || crictl --timeout 60s stopp "$id" >/dev/null
done
}

main() {
LC_ALL=C DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=l NEEDRESTART_SUSPEND=1
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
KUBECONFIG=/etc/kubernetes/admin.conf
export LC_ALL DEBIAN_FRONTEND NEEDRESTART_MODE NEEDRESTART_SUSPEND PATH KUBECONFIG
umask 022
cd /
tmp=$(mktemp -d /run/landfall.XXXXXX 2>/dev/null || mktemp -d) || exit 1
trap 'rm -rf "$tmp"' EXIT
trap 'exit 143' HUP INT TERM
mkdir "$tmp/slots" "$tmp/probes"
given=/run/landfall/runs/RUN/network/given; given=${given:-$tmp/given}
stop=/run/landfall/runs/RUN/network/stop; stop=${stop:-$tmp/stop}
say landfall 1 6
step 1 make 30
step 2 check 0
step 3 make 30
step 4 make 120
step 5 make 180
step 6 make 30
say end
}
main
