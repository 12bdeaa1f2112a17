import { API_CLUES } from './clues.ts';
import { KUBELET_CLUES } from './init-clues.ts';
import { PREFLIGHT_ERRORS, PREFLIGHT_WARNINGS } from './preflight-clues.ts';
import type { Clue } from './step.ts';

/** What is said when a host cannot become a member, and what it means. */
export const JOIN_CLUES: readonly Clue[] = [
  {
    match: /^not ours: |is not marked as one of the cluster/,
    means: 'this host is a member of a cluster that Landfall did not begin',
    try: 'take another host; or, when nothing of it is needed any more, kubeadm reset on this one',
    diagnosis: 'H21',
  },
  {
    match: /^no token was minted/,
    means:
      'the run has left out the control plane, which mints the token, or the cluster believes this host a member',
    try: 'landfall apply, for all nodes and phases; if it stays: kubectl delete node with the name of this one, then landfall apply',
  },
  {
    match: /a Node with name ".*" and status "Ready" already exists/,
    means:
      'the cluster counts a living node of this name: another machine carries it, or this one has just lost its credentials',
    try: 'when no other machine has the name: kubectl delete node with that name, then landfall apply; otherwise give this one another name',
    diagnosis: 'H97',
  },
  {
    match: /could not find a JWS signature|token .* (is|has) (invalid|expired)/,
    means: 'the token has died, or was deleted, before the host came to use it',
    try: 'landfall apply mints a new one; if it stays: kubectl -n kube-system get pods -l component=kube-controller-manager, which signs for tokens',
    diagnosis: 'H61',
  },
  {
    match: /none of the public keys .* are pinned|cluster CA found in cluster-info .* is invalid/,
    means: "what answers at the endpoint's address is another cluster than the one that minted the token",
    try: 'from this host: getent hosts the endpoint of cluster.yaml; its address must be that of this cluster’s control plane',
    diagnosis: 'H62',
  },
  {
    match: /certificate signed by unknown authority|\(Unauthorized\)|must be logged in to the server/,
    means:
      'the host carries credentials of an earlier cluster of the same name: the authority is another one by now',
    try: 'landfall reset --node with its name takes them off; then landfall apply joins it afresh',
    diagnosis: 'H66',
  },
  {
    match: /no such host|no route to host|i\/o timeout|connection refused|deadline exceeded/i,
    means: 'this host does not reach the API server under the endpoint’s name and port',
    try: 'from this host: getent hosts the endpoint of cluster.yaml; curl -k https://ENDPOINT/livez; a firewall must let nodes pass to port 6443 of the control plane',
    diagnosis: 'H35',
  },
  {
    match: /kubelet is not healthy|localhost:10248|127\.0\.0\.1:10248/,
    means: 'kubelet does not start, or stops again',
    try: 'journalctl -u kubelet -n 50 --no-pager says why: swap, cgroups, a flag, or the runtime',
    diagnosis: 'H31',
  },
  ...PREFLIGHT_ERRORS,
  ...KUBELET_CLUES,
  ...API_CLUES,
  ...PREFLIGHT_WARNINGS,
];
