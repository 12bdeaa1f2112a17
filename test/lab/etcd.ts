const PKI = '/etc/kubernetes/pki/etcd';

/** In shell, on a control plane with CRI-O: etcdctl, in the running etcd of that host. */
export const ETCDCTL = `crictl exec "$(crictl ps -q --state Running --name '^etcd$')" etcdctl --endpoints=https://127.0.0.1:2379 --cacert=${PKI}/ca.crt --cert=${PKI}/healthcheck-client.crt --key=${PKI}/healthcheck-client.key`;
